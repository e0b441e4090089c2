package train

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The settings of config.yaml keep their names and their order. testdata/config.yaml is from an earlier version.
func TestTheDefaultsAreWrittenAsEver(t *testing.T) {
	want, err := os.ReadFile("testdata/config.yaml")
	require.NoError(t, err)
	got, err := yaml.Marshal(Default())
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestAWrittenConfigurationIsReadBack(t *testing.T) {
	for _, q := range Presets() {
		c := Default()
		q.Apply(&c)
		c.Schedule.LR, c.SaveAfter, c.Seed, c.Classes, c.MSR.Alpha = 1e-30, 90*time.Second, 1<<63, "007", 0.1
		c.MethodConfig.Options = map[string]float64{"tau_plus": 1e-7}
		text, err := yaml.Marshal(c)
		require.NoError(t, err)
		got := Default()
		require.NoError(t, got.decode(strings.NewReader(string(text)), "config.yaml"), q.Name)
		again, err := yaml.Marshal(got)
		require.NoError(t, err)
		assert.Equal(t, string(text), string(again), q.Name)
	}
	// A checkpoint of a version with fewer settings gets the defaults of the missing ones.
	c := Default()
	require.NoError(t, c.decode(strings.NewReader("method: byol\nweights: 3\n"), "old.yaml"))
	want := Default()
	want.Method, want.MSR.NumWeights = "byol", 3
	assert.Equal(t, want, c)
	require.NoError(t, c.decode(strings.NewReader(""), "empty.yaml"))
	assert.ErrorContains(t, c.decode(strings.NewReader("nothing: 1\n"), "new.yaml"),
		"new.yaml: yaml: unmarshal errors: line 1: field nothing not found")
}
