package main

import (
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// updateUnchanged has TestCommandLinesWithoutARecipeAreAsEver write its files instead of comparing with them.
var updateUnchanged = flag.Bool("update-unchanged", false, "write testdata/unchanged")

// What names neither a data set's preset nor --method-defaults has no recipe: its settings are those of the version
// that wrote testdata/unchanged, before recipes were layers.
func TestCommandLinesWithoutARecipeAreAsEver(t *testing.T) {
	for _, line := range []string{"", "--method byol", "--method w_mse --dataset cifar10", "--preset cpu",
		"--preset cpu --method moco", "--preset cpu --dataset cifar10", "--preset lightly-cifar10",
		"--preset lightly-cifar10 --method byol", "--dataset folder --size 224 --augment imagenet"} {
		c, err := settled(t, "", strings.Fields(line)...)
		require.NoError(t, err, line)
		got, err := yaml.Marshal(c)
		require.NoError(t, err)
		name := cmp.Or(strings.NewReplacer("--", "", " ", "-").Replace(line), "default") + ".yaml"
		path := filepath.Join("testdata", "unchanged", name)
		if *updateUnchanged {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, got, 0o644))
			continue
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), line)
	}
}
