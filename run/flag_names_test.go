package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/field"
)

func TestSettingsAreCalledByTheirFlags(t *testing.T) {
	names := flagNames()
	for key, want := range map[string]string{
		"meta.Gamma": "--gamma", "meta.NumWeights": "--weights", "nets.LR": "--lr", "nets.Schedule.Gamma": "--drop-gamma",
		"train.Device": "--device", "train.Initial.File": "--init", "nets.Drops": "--drops",
		"methods.Options":      "--method-option",
		"train.AugmentOptions": "--augment-option", "nets.MSRConfig.Width": "--msr-width", "train.Width": "--width",
		"experiment.Folder": "--out", "experiment.Study.Seeds": "--seeds", "experiment.Axes": "--axis",
		"experiment.NumWeights": "--weights-values", "experiment.Probe": "--probe-variant", "experiment.Slice": "--slice",
		"embedding.Out": "--out", "embedding.BatchSize": "--batch-size",
		"meta.Radius": "", "nets.Beta1": "",
	} {
		assert.Equal(t, want, names[key], key)
	}
	err := flagged(field.Errorf("{meta.Gamma} %g: want 0 or more", -1.0))
	assert.EqualError(t, err, "--gamma -1: want 0 or more")
}

// Each setting that a text of the module names has a flag, or is only for programs.
func TestEachSettingThatAnErrorNamesHasAFlag(t *testing.T) {
	names, found := flagNames(), 0
	without := []string{"meta.Radius", "datasets.Rank", "datasets.Ranks", "package.Field"}
	key := regexp.MustCompile(`\{([a-z]+\.[A-Z][A-Za-z0-9.]*)\}`)
	for _, path := range sources(t) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if !ok || text.Kind != token.STRING {
				return true
			}
			for _, m := range key.FindAllStringSubmatch(text.Value, -1) {
				found++
				if !slices.Contains(without, m[1]) && !strings.HasPrefix(m[1], "interventions.") {
					assert.NotEmpty(t, names[m[1]], "%s: %s has no flag", path, m[0])
				}
			}
			return true
		})
	}
	assert.Greater(t, found, 40)
}

// sources returns the module's Go files, without tests.
func sources(t *testing.T) (out []string) {
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
			out = append(out, path)
		}
		return err
	}))
	return out
}
