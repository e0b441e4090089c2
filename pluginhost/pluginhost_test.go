package pluginhost_test

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/pluginhost"
)

// built returns a build with further settings, in pairs.
func built(goVersion string, settings ...string) *debug.BuildInfo {
	b := &debug.BuildInfo{GoVersion: goVersion, Settings: []debug.BuildSetting{{Key: "CGO_ENABLED", Value: "1"},
		{Key: "GOARCH", Value: "amd64"}}}
	for i := 0; i < len(settings); i += 2 {
		b.Settings = append(b.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
	}
	return b
}

func TestCompareNamesTheDifferenceAndTheRemedy(t *testing.T) {
	fits := built("go1.26.8", "-buildmode", "plugin", "vcs.revision", "abc", "CGO_LDFLAGS", "-ltorch")
	fits.Deps = []*debug.Module{{Path: "golang.org/x/sys", Version: "v0.49.0"}, {Path: "only.plugin/x",
		Version: "v1.0.0"}}
	host := built("go1.26.8", "-buildmode", "exe", "-race", "false")
	host.Deps = []*debug.Module{{Path: "golang.org/x/sys", Version: "v0.49.0"}, {Path: "only.host/x", Version: "v2.0.0"}}
	assert.NoError(t, pluginhost.Compare(host, fits), "what is of one of them alone does not matter, nor do cgo's flags")

	for want, change := range map[string]func(h *debug.BuildInfo){
		"this program is of go1.25.0, the plugin of go1.26.8: build both with one Go": func(h *debug.BuildInfo) {
			h.GoVersion = "go1.25.0"
		},
		"-trimpath is true here and not set in the plugin: build both with the same -trimpath": func(h *debug.BuildInfo) {
			h.Settings = append(h.Settings, debug.BuildSetting{Key: "-trimpath", Value: "true"})
		},
		"CGO_ENABLED is 0 here and 1 in the plugin: both need CGO_ENABLED=1": func(h *debug.BuildInfo) {
			h.Settings[0].Value = "0"
		},
		"module golang.org/x/sys is v0.40.0 here and v0.49.0 in the plugin: go get golang.org/x/sys@v0.49.0 in " +
			"one of them": func(h *debug.BuildInfo) {
			h.Deps[0] = &debug.Module{Path: "golang.org/x/sys",
				Version: "v0.40.0"}
		},
		"module golang.org/x/sys is ../sys here and v0.49.0 in the plugin: go get golang.org/x/sys@v0.49.0 in one " +
			"of them": func(h *debug.BuildInfo) {
			h.Deps[0] = &debug.Module{Path: "golang.org/x/sys", Version: "v0.49.0", Replace: &debug.Module{Path: "../sys"}}
		},
		"this program is of go1.25.0, the plugin of go1.26.8: build both with one Go; GOARCH is arm64 here and " +
			"amd64 in the plugin: build both with the same GOARCH": func(h *debug.BuildInfo) {
			h.GoVersion,
				h.Settings[1].Value = "go1.25.0", "arm64"
		},
	} {
		h := built("go1.26.8", "-buildmode", "exe")
		h.Deps = []*debug.Module{{Path: "golang.org/x/sys", Version: "v0.49.0"}}
		change(h)
		assert.EqualError(t, pluginhost.Compare(h, fits), want)
	}
	assert.EqualError(t, pluginhost.Compare(host, built("go1.26.8", "-buildmode", "exe")), "it was built with "+
		"-buildmode=exe: build it with -buildmode=plugin")
}

func TestWhatIsNoPluginIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no.so")
	_, err := pluginhost.Open(path)
	assert.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("nothing"), 0o644))
	_, err = pluginhost.Open(path)
	assert.ErrorContains(t, err, "no.so: ")
	assert.ErrorContains(t, err, "build it with `make plugin`")
	self, err := os.Executable()
	require.NoError(t, err)
	_, err = pluginhost.Open(self)
	assert.ErrorContains(t, err, "build it with -buildmode=plugin")
}
