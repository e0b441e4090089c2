// Package settings reads settings from YAML, and sets the flags of the same names.
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/internal/suggest"
)

// File holds the settings of a YAML text as written. The flags of the same names give them their types.
type File struct {
	name    string
	entries []setting
}

// setting is one setting of a File.
type setting struct {
	key   string
	line  int
	value *yaml.Node
}

// Open reads a file of settings. An empty path gives no settings.
func Open(path string) (File, error) {
	if path == "" {
		return File{}, nil
	}
	r, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("--config: %w", err)
	}
	defer r.Close()
	return Read(r, path)
}

// Read reads a YAML text. Its errors begin with name.
func Read(r io.Reader, name string) (File, error) {
	s := File{name: name}
	d := yaml.NewDecoder(r)
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return s, nil
	} else if err != nil {
		return s, fmt.Errorf("%s: %s", name, strings.ReplaceAll(err.Error(), "\n", ""))
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return s, fmt.Errorf("%s: a second document after a line of ---: want one", name)
	}
	top := doc.Content[0]
	if top.Tag == "!!null" {
		return s, nil
	}
	if top.Kind != yaml.MappingNode {
		return s, fmt.Errorf("%s:%d: want lines of NAME: VALUE", name, top.Line)
	}
	err := s.add(top)
	return s, err
}

// add adds the entries of a mapping. A name that comes twice is an error.
func (s *File) add(top *yaml.Node) error {
	lines := map[string]int{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if first, twice := lines[key.Value]; twice {
			return fmt.Errorf("%s:%d: %s comes twice, before in line %d", s.name, key.Line, key.Value, first)
		}
		lines[key.Value] = key.Line
		s.entries = append(s.entries, setting{key.Value, key.Line, value})
	}
	return nil
}

// Text returns a setting's value as written. It is empty if the setting is absent.
func (s File) Text(key string) string {
	for _, e := range s.entries {
		if e.key == key && e.value.Tag != "!!null" {
			return e.value.Value
		}
	}
	return ""
}

// Explain adds to an error the line of the setting that it is about.
func (s File) Explain(key string, err error) error {
	for _, e := range s.entries {
		if e.key == key {
			return s.at(e, err)
		}
	}
	return err
}

func (s File) at(e setting, err error) error {
	return fmt.Errorf("%s:%d: %w", s.name, e.line, err)
}

// Apply sets the flags f from the settings, except those that own names, which the caller handles. A setting without a
// flag in f is an error. If command, which may be nil, has a flag of that name, the error says to use it instead.
func (s File) Apply(f, command *pflag.FlagSet, own ...string) error {
	for _, e := range s.entries {
		if slices.Contains(own, e.key) {
			continue
		}
		g := f.Lookup(e.key)
		if g == nil {
			return s.at(e, noSetting(e.key, f, command, own))
		}
		if err := e.set(f, g); err != nil {
			return s.at(e, err)
		}
	}
	return nil
}

func noSetting(key string, f, command *pflag.FlagSet, own []string) error {
	if command != nil && command.Lookup(key) != nil {
		return fmt.Errorf("%s is no setting of a run: give it as --%s on the command line", key, key)
	}
	known := slices.Clone(own)
	f.VisitAll(func(g *pflag.Flag) { known = append(known, g.Name) })
	if near := suggest.Nearest(key, known); near != "" {
		return fmt.Errorf("unknown setting %q; did you mean %q?", key, near)
	}
	return fmt.Errorf("unknown setting %q; settings have the names of flags, see run pretrain --help", key)
}

// set sets a flag to the setting's value.
func (e setting) set(f *pflag.FlagSet, g *pflag.Flag) error {
	kind := g.Value.Type()
	switch e.value.Kind {
	case yaml.ScalarNode:
		if e.value.Tag == "!!null" {
			return e.empty(f, g)
		}
		return SetValue(f, g, scalar(e.value.Value, kind))
	case yaml.SequenceNode:
		if list, ok := g.Value.(pflag.SliceValue); ok {
			return e.list(f, g, list)
		}
	case yaml.MappingNode:
		if kind == (*NamedValues)(nil).Type() {
			return e.pairs(f, g)
		}
	}
	return wantsOther(g, shown(e.value), cmp.Or(wants(kind), "a text"))
}

// empty sets a flag from a setting that has no value: to an empty text or list, if its type has one.
func (e setting) empty(f *pflag.FlagSet, g *pflag.Flag) error {
	list, isList := g.Value.(pflag.SliceValue)
	switch {
	case isList:
		return list.Replace(nil)
	case g.Value.Type() == "string":
		return f.Set(g.Name, "")
	case wants(g.Value.Type()) == "":
		return nil // named values: there are none
	}
	return wantsOther(g, "has no value", wants(g.Value.Type()))
}

func (e setting) list(f *pflag.FlagSet, g *pflag.Flag, list pflag.SliceValue) error {
	var texts []string
	for _, item := range e.value.Content {
		if item.Kind != yaml.ScalarNode {
			return wantsOther(g, shown(e.value), wants(g.Value.Type()))
		}
		texts = append(texts, item.Value)
	}
	if len(texts) == 0 {
		return list.Replace(nil)
	}
	return SetValue(f, g, strings.Join(texts, ","))
}

func (e setting) pairs(f *pflag.FlagSet, g *pflag.Flag) error {
	for i := 0; i+1 < len(e.value.Content); i += 2 {
		name, value := e.value.Content[i], e.value.Content[i+1]
		if name.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
			return wantsOther(g, shown(e.value), "{NAME: NUMBER, ...}")
		}
		if err := SetValue(f, g, name.Value+"="+scalar(value.Value, "float64")); err != nil {
			return err
		}
	}
	return nil
}

// scalar translates YAML's words for booleans and numbers into those of flags.
func scalar(text, kind string) string {
	lower := strings.ToLower(text)
	switch {
	case kind == "bool" && slices.Contains([]string{"y", "yes", "on"}, lower):
		return "true"
	case kind == "bool" && slices.Contains([]string{"n", "no", "off"}, lower):
		return "false"
	case kind == "float64" && strings.HasSuffix(lower, ".inf"), kind == "float64" && lower == ".nan":
		return strings.Replace(lower, ".", "", 1)
	}
	return text
}

// shown describes a value that is not a scalar, for an error.
func shown(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		return "has a list"
	}
	return "has settings of its own"
}
