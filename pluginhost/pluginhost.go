// Package pluginhost opens the plugin build of this module (`make plugin`, bin/icl-msr.so). If the plugin does not fit
// the program that opens it, the error says what differs and what to do. The errors of plugin.Open name a package at
// most.
//
// This package needs only the standard library. A host that must not depend on another module may copy this file. The
// source of the plugin's functions, run/plugin.go, documents them.
package pluginhost

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"plugin"
	"runtime/debug"
	"slices"
	"strings"
)

// API is the version of the plugin's interface that this package was made for.
const API = 1

// Open checks the plugin at path against the running program, opens it, and checks the version of its interface. A
// process can open a plugin once, and never close it.
func Open(path string) (*plugin.Plugin, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	p, err := plugin.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w (host and plugin must come from one Go toolchain, one set of flags and the "+
			"same versions of shared modules: build both again, `make plugin` for the plugin)", err)
	}
	version, err := Lookup[func() int](p, "PluginAPI")
	if err != nil {
		return nil, err
	}
	if v := version(); v != API {
		return nil, fmt.Errorf("plugin %s has interface version %d, this host wants %d: use a plugin and a host "+
			"of one release", path, v, API)
	}
	return p, nil
}

// Lookup returns a plugin's function as a value of type F.
func Lookup[F any](p *plugin.Plugin, name string) (F, error) {
	var none F
	symbol, err := p.Lookup(name)
	if err != nil {
		return none, err
	}
	f, ok := symbol.(F)
	if !ok {
		return none, fmt.Errorf("the plugin's %s is %T, this host wants %T", name, symbol, none)
	}
	return f, nil
}

// Check reports why the running program could not open the plugin at path. It compares what the Go command wrote into
// both.
func Check(path string) error {
	host, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this program tells nothing of how it was built: build it with the go command, in a module")
	}
	plugin, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("plugin %s: %w; build it with `make plugin`", path, err)
	}
	if err := Compare(host, plugin); err != nil {
		return fmt.Errorf("plugin %s does not fit this program: %w", path, err)
	}
	return nil
}

// Compare reports every difference between the builds of a host and a plugin that keeps them from fitting.
func Compare(host, plugin *debug.BuildInfo) error {
	var wrong []string
	if host.GoVersion != plugin.GoVersion {
		wrong = append(wrong, fmt.Sprintf("this program is of %s, the plugin of %s: build both with one Go",
			host.GoVersion, plugin.GoVersion))
	}
	mode := setting(plugin, "-buildmode")
	if mode != "plugin" {
		wrong = append(wrong, fmt.Sprintf("it was built with -buildmode=%s: build it with -buildmode=plugin", mode))
	}
	for _, s := range settings() {
		h, p := setting(host, s), setting(plugin, s)
		if h == p {
			continue
		}
		remedy := "build both with the same " + s
		if s == "CGO_ENABLED" {
			remedy = "both need CGO_ENABLED=1"
		}
		wrong = append(wrong, fmt.Sprintf("%s is %s here and %s in the plugin: %s", s, orUnset(h), orUnset(p), remedy))
	}
	versions := map[string]string{}
	for _, m := range plugin.Deps {
		versions[m.Path] = version(m)
	}
	for _, m := range host.Deps {
		if v, shared := versions[m.Path]; shared && v != version(m) {
			wrong = append(wrong, fmt.Sprintf("module %s is %s here and %s in the plugin: go get %s@%s in one of them",
				m.Path, version(m), v, m.Path, v))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// settings are the build settings that change the code of shared packages.
func settings() []string {
	return []string{"GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "CGO_ENABLED", "-trimpath", "-tags",
		"-race", "-msan", "-asan", "-cover", "-gcflags", "-ldflags", "GOFIPS140"}
}

// setting returns a build setting. A boolean setting that is off is not recorded.
func setting(b *debug.BuildInfo, key string) string {
	i := slices.IndexFunc(b.Settings, func(s debug.BuildSetting) bool { return s.Key == key })
	if i < 0 || b.Settings[i].Value == "false" {
		return ""
	}
	return b.Settings[i].Value
}

func orUnset(v string) string {
	if v == "" {
		return "not set"
	}
	return v
}

// version returns the version of a module, or that of its replacement.
func version(m *debug.Module) string {
	if r := m.Replace; r != nil {
		return strings.TrimSpace(r.Path + " " + r.Version)
	}
	return m.Version
}
