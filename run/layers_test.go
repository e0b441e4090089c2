package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// on settles r with a file of settings and flags.
func on(t *testing.T, r request, file string, flags ...string) train.Config {
	path := filepath.Join(t.TempDir(), "part.yaml")
	require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
	r.command, r.args = "pretrain", append([]string{"--config", path}, flags...)
	if r.extra == nil {
		r.extra = func(*pflag.FlagSet) {}
	}
	c, err := r.settle(program{io.Discard, io.Discard})
	require.NoError(t, err)
	return c
}

// Each layer overrides the one before: defaults, recipe, preset, what the command changes, file, flags.
func TestEachLayerLiesOverTheOneBelow(t *testing.T) {
	recipe, byDefault := methods.RecipeOf("moco"), train.Default().MSR.Lambda
	require.NotEqual(t, recipe.Temperature, train.Default().MethodConfig.Temperature, "or else this test says nothing")
	assert.Equal(t, byDefault, on(t, request{}, "").MSR.Lambda)
	assert.Equal(t, recipe.Temperature, on(t, request{}, "", "--method", "moco").MethodConfig.Temperature, "the recipe")

	assert.Equal(t, 0.1, on(t, request{}, "", "--preset", "imagenet").MSR.Lambda, "a preset over the recipe")
	own := request{preset: "imagenet"}
	assert.Equal(t, 0.1, on(t, own, "").MSR.Lambda, "the command's preset")
	assert.Equal(t, "resnet8", on(t, own, "preset: cpu\n").Arch, "the file's lies over the command's")
	assert.Equal(t, "resnet8", on(t, own, "preset: stl10\n", "--preset", "cpu").Arch, "the flag's over the file's")
	assert.Equal(t, "resnet18", on(t, own, "", "--preset", "").Arch, "also none")

	own.change = func(c *train.Config) { c.MSR.Lambda = 0.2 }
	assert.Equal(t, 0.2, on(t, own, "").MSR.Lambda, "the command's own over its preset")
	assert.Equal(t, 0.3, on(t, own, "lambda: 0.3\n").MSR.Lambda, "the file over that")
	assert.Equal(t, byDefault, on(t, own, "lambda: 0.3\n", "--lambda", "1").MSR.Lambda,
		"a flag over the file, also with the default's value")
}

// A given flag counts even if it equals the default.
func TestAFlagWithTheDefaultsMethodBringsItsRecipe(t *testing.T) {
	require.NotEqual(t, methods.RecipeOf("simclr"), methods.RecipeOf("byol"), "or else this test says nothing")
	c := on(t, request{}, "method: byol\n", "--method", "simclr")
	assert.Equal(t, "simclr", c.Method)
	r := methods.RecipeOf("simclr")
	assert.Equal(t, r, methods.Recipe{Lambda: c.MSR.Lambda, Gamma: c.MSR.Gamma, Temperature: c.MethodConfig.Temperature})
}

// The arms of a grid use the same layers: each method has its own recipe below the file and the flags.
func TestTheArmsOfAGridHaveTheirRecipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "part.yaml")
	require.NoError(t, os.WriteFile(path, []byte("method: byol\ngamma: 3\n"), 0o600))
	r := request{command: "compare", args: []string{"--config", path}, extra: func(*pflag.FlagSet) {}}
	for _, name := range []string{"simclr", "moco", "byol"} {
		c, err := r.configure(program{io.Discard, io.Discard})("--method", name)
		require.NoError(t, err)
		assert.Equal(t, name, c.Method)
		assert.Equal(t, methods.RecipeOf(name).Temperature, c.MethodConfig.Temperature, name)
		assert.Equal(t, 3.0, c.MSR.Gamma, "the file")
	}
}
