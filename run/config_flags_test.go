package main

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/train"
)

// Each setting that is written to config.yaml is read back unchanged.
func TestWrittenConfigurationsAreRead(t *testing.T) {
	for _, q := range train.Presets() {
		c := train.Default()
		q.Apply(&c)
		c.Schedule.LR, c.SaveAfter, c.Seed, c.Classes = 1e-30, 90*time.Second, 1<<63, "007"
		c.MethodConfig.Options = map[string]float64{"tau_plus": 1e-7}
		text, err := yaml.Marshal(c)
		require.NoError(t, err)
		s, err := settings.Read(strings.NewReader(string(text)), "config.yaml")
		require.NoError(t, err, q.Name)
		got := train.Default()
		require.NoError(t, s.Apply(settingFlags(&got), nil), q.Name)
		again, err := yaml.Marshal(got)
		require.NoError(t, err)
		assert.Equal(t, string(text), string(again), q.Name)
	}
}

// Each setting has a flag. config.yaml has the settings in the order of the flags.
func TestEachSettingHasAFlag(t *testing.T) {
	text, err := yaml.Marshal(train.Default())
	require.NoError(t, err)
	var written, flagged []string
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(line, ":")
		written = append(written, key)
	}
	f, c := pflag.NewFlagSet("", pflag.ContinueOnError), train.Default()
	f.SortFlags = false
	bindConfig(f, &c)
	f.VisitAll(func(g *pflag.Flag) {
		if g.Name != "verbose" {
			flagged = append(flagged, g.Name)
		}
	})
	assert.Equal(t, flagged, written)
}

func FuzzSettings(f *testing.F) {
	f.Add("epochs: 2\ndrops: [1, 2]\nmethod-option: {a: 1}\n")
	f.Add("preset: cpu\nlr: &a .inf\nalpha: *a\n")
	f.Add("? [1]\n: {}\n--- x")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := settings.Read(strings.NewReader(text), "x")
		if err != nil {
			return
		}
		c := train.Default()
		if s.Apply(settingFlags(&c), nil) != nil {
			return
		}
		written, err := yaml.Marshal(c)
		require.NoError(t, err)
		again, err := settings.Read(strings.NewReader(string(written)), "y")
		require.NoError(t, err, "%s", written)
		d := train.Default()
		require.NoError(t, again.Apply(settingFlags(&d), nil), "%s", written)
	})
}
