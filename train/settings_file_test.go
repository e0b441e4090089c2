package train

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// What is written to config.yaml is read to the same, setting by setting.
func TestWrittenConfigurationsAreRead(t *testing.T) {
	for _, q := range Presets() {
		c := Default()
		q.Apply(&c)
		c.LR, c.SaveAfter, c.Seed, c.Classes, c.Options = 1e-30, 90*time.Second, 1<<63, "007", NamedValues{"tau_plus": 1e-7}
		text, err := yaml.Marshal(c)
		require.NoError(t, err)
		got := Default()
		require.NoError(t, got.decode(bytes.NewReader(text), "config.yaml"), q.Name)
		again, err := yaml.Marshal(got)
		require.NoError(t, err)
		assert.Equal(t, string(text), string(again), q.Name)
	}
	text, err := yaml.Marshal(Default())
	require.NoError(t, err)
	keys := strings.Count(string(text), "\n")
	flagged := 0
	f, c := pflag.NewFlagSet("", pflag.ContinueOnError), Default()
	c.Bind(f)
	f.VisitAll(func(g *pflag.Flag) {
		if isSetting(g.Name) {
			flagged++
			assert.Contains(t, "\n"+string(text), "\n"+g.Name+": ")
		}
	})
	assert.Equal(t, keys, flagged)
}

func FuzzSettings(f *testing.F) {
	f.Add("epochs: 2\ndrops: [1, 2]\nmethod-option: {a: 1}\n")
	f.Add("preset: cpu\nlr: &a .inf\nalpha: *a\n")
	f.Add("? [1]\n: {}\n--- x")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadSettings(strings.NewReader(text), "x")
		if err != nil {
			return
		}
		c := Default()
		if s.apply(&c, nil) != nil {
			return
		}
		written, err := yaml.Marshal(c)
		require.NoError(t, err)
		d := Default()
		require.NoError(t, d.decode(bytes.NewReader(written), "y"), "%s", written)
	})
}
