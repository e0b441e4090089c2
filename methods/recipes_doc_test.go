package methods_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
)

// updateDocs has TestRecipesReference write docs/reference/recipes.md instead of comparing it.
var updateDocs = flag.Bool("update", false, "write docs/reference/recipes.md")

const recipesIntro = `# Recipes

<!-- Written by ` + "`make docs`" + ` from methods/recipes*.go. Do not edit. -->

Each method has two recipes on each data set. They are data: ` + "`bin/run methods --preset NAME`" + ` prints them, and
` + "`methods.Settings`" + ` returns them. They are not yet what ` + "`--method` and `--preset`" + ` set. The network, lambda
and gamma are the preset's.

- **baseline**: the constants of github.com/htdt/self-supervised, which the paper (arXiv 2206.14702, section 6.2) gives
  to every method on small data sets. What defines a method is its own: its queue, its target network, the head that its
  loss is tuned for.
- **paper**: the constants of the method's own paper or of its authors' code, on this data set or on the nearest one
  that the source has. A batch that was made for ImageNet is 512 on a small data set, and the rate follows by its rule.

The paper's Table 1 is read as the baseline, its Tables 2 and 3 as the methods' own. That is our reading.

A source names the file or the paper that has the constant. "Our choice" says that none has it. "Not checked" says that
it was taken from memory of the named paper, and that nothing read since confirms it. "Not built" is in the source and
not in this program.

`

// settingsOf are a recipe's, all of them.
func settingsOf(t *testing.T, recipe, set string, d methods.Defaults) []methods.Setting {
	all, err := methods.Settings(recipe, set, d)
	require.NoError(t, err)
	return all
}

// shared are the settings that all recipes of a data set have alike.
func shared(t *testing.T, set string, d methods.Defaults) []methods.Setting {
	out := settingsOf(t, methods.Recipes()[0], set, d)
	for _, recipe := range methods.Recipes() {
		all := settingsOf(t, recipe, set, d)
		out = slices.DeleteFunc(out, func(x methods.Setting) bool { return !slices.Contains(all, x) })
	}
	return out
}

// without are settings less others.
func without(all, others []methods.Setting) []methods.Setting {
	return slices.DeleteFunc(slices.Clone(all), func(x methods.Setting) bool { return slices.Contains(others, x) })
}

// base is the data set whose recipes a page shows beside which it has differences alone.
func base(set string) string {
	return map[string]string{"cifar100": "cifar10", "tiny-imagenet": "stl10"}[set]
}

// changed are a recipe's settings that another data set has not, or with another value.
func changed(t *testing.T, recipe, set, other string, d methods.Defaults) (out []methods.Setting) {
	others := settingsOf(t, recipe, other, d)
	for _, x := range settingsOf(t, recipe, set, d) {
		if !slices.ContainsFunc(others, func(y methods.Setting) bool { return x.Name == y.Name && x.Value == y.Value }) {
			out = append(out, x)
		}
	}
	return out
}

// typed are settings of one source as one types them.
func typed(all []methods.Setting) string {
	var names []string
	values := map[string][]string{}
	for _, x := range all {
		name, option, isOption := strings.Cut(x.Name, " ")
		value := x.Value
		if isOption {
			value = option + "=" + value
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		values[name] = append(values[name], value)
	}
	var out []string
	for _, name := range names {
		for some := range slices.Chunk(values[name], 8) {
			out = append(out, "--"+name+" "+strings.Join(some, ","))
		}
	}
	return "`" + strings.Join(out, " ") + "`"
}

// bySource lists settings, those of one source together.
func bySource(all []methods.Setting) string {
	var b strings.Builder
	for len(all) > 0 {
		first := all[0]
		same := func(x methods.Setting) bool {
			return x.Source == first.Source && (x.Name == methods.NotBuilt) == (first.Name == methods.NotBuilt)
		}
		var group []methods.Setting
		for _, x := range all {
			if same(x) {
				group = append(group, x)
			}
		}
		text := typed(group)
		if first.Name == methods.NotBuilt {
			var parts []string
			for _, x := range group {
				parts = append(parts, x.Value)
			}
			text = "Not built: " + strings.Join(parts, "; ")
		}
		b.WriteString(item(text + " (" + first.Source + ")"))
		all = slices.DeleteFunc(slices.Clone(all), same)
	}
	return b.String()
}

// item is an entry of a list, broken at 120 columns.
func item(text string) string {
	var b strings.Builder
	line := "-"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > 120 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// counts is a table of how the constants are founded.
func counts(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| data set | defaults | from a source | our choice | not checked | not built |\n|---|---|---|---|---|---|\n")
	for _, set := range methods.DataSets() {
		for _, d := range methods.AllDefaults() {
			var read, ours, unchecked, lacking int
			for _, recipe := range methods.Recipes() {
				for _, x := range settingsOf(t, recipe, set, d) {
					switch {
					case x.Name == methods.NotBuilt:
						lacking++
					case strings.Contains(x.Source, methods.Unchecked):
						unchecked++
					case strings.Contains(x.Source, methods.Ours):
						ours++
					default:
						read++
					}
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d |\n", set, d, read, ours, unchecked, lacking)
		}
	}
	return b.String()
}

// recipesReference is docs/reference/recipes.md.
func recipesReference(t *testing.T) string {
	var b strings.Builder
	b.WriteString(recipesIntro + "How the constants of all methods are founded:\n\n" + counts(t))
	for _, set := range methods.DataSets() {
		fmt.Fprintf(&b, "\n## %s\n\nThe paper's table is read as **%s**.\n", set, methods.TableDefaults(set))
		if other := base(set); other != "" {
			b.WriteString(differences(t, set, other))
		} else {
			b.WriteString(wholeRecipes(t, set))
		}
	}
	return b.String()
}

// wholeRecipes are those of a data set.
func wholeRecipes(t *testing.T, set string) string {
	var b strings.Builder
	common := shared(t, set, methods.Baseline)
	fmt.Fprintf(&b, "\n### Baseline of all methods on %s\n\n%s", set, bySource(common))
	for _, recipe := range methods.Recipes() {
		fmt.Fprintf(&b, "\n### %s on %s\n\n**baseline**, beside that of all methods:\n\n%s\n**paper**:\n\n%s", recipe, set,
			bySource(without(settingsOf(t, recipe, set, methods.Baseline), common)),
			bySource(settingsOf(t, recipe, set, methods.Paper)))
	}
	return b.String()
}

// differences are what the recipes of a data set have beside those of another.
func differences(t *testing.T, set, other string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nRecipes are those of [%s](#%s), but for these settings.\n", other, other)
	for _, d := range methods.AllDefaults() {
		alike := changed(t, methods.Recipes()[0], set, other, d)
		for _, recipe := range methods.Recipes() {
			all := changed(t, recipe, set, other, d)
			alike = slices.DeleteFunc(alike, func(x methods.Setting) bool { return !slices.Contains(all, x) })
		}
		fmt.Fprintf(&b, "\nAll methods, **%s**:\n\n%s", d, bySource(alike))
		for _, recipe := range methods.Recipes() {
			if more := without(changed(t, recipe, set, other, d), alike); len(more) > 0 {
				fmt.Fprintf(&b, "\n%s, **%s**:\n\n%s", recipe, d, bySource(more))
			}
		}
	}
	return b.String()
}

// The reference in docs/ is the data.
func TestRecipesReference(t *testing.T) {
	path := filepath.Join("..", "docs", "reference", "recipes.md")
	want := recipesReference(t)
	if *updateDocs {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err, "run `make docs`")
	assert.True(t, string(got) == want, "docs/reference/recipes.md is stale; `make docs` renews it")
}

// Every setting and every source of every recipe is on the page.
func TestRecipesReferenceLeavesNothingOut(t *testing.T) {
	text := strings.Join(strings.Fields(recipesReference(t)), " ")
	for _, set := range methods.DataSets() {
		for _, recipe := range methods.Recipes() {
			if base(set) != "" {
				continue
			}
			_, page, ok := strings.Cut(text, "### "+recipe+" on "+set+" **")
			require.True(t, ok, "%s on %s", recipe, set)
			_, page, ok = strings.Cut(page, "**paper**:")
			require.True(t, ok)
			page, _, _ = strings.Cut(page, "## ")
			for _, x := range settingsOf(t, recipe, set, methods.Paper) {
				name, option, isOption := strings.Cut(x.Name, " ")
				shown := "--" + name + " " + x.Value
				if isOption {
					shown = option + "=" + x.Value
				}
				if x.Name == methods.NotBuilt {
					shown = x.Value
				}
				assert.Contains(t, page, shown, "%s on %s", recipe, set)
				assert.Contains(t, page, "("+x.Source+")", "%s on %s", recipe, set)
			}
		}
	}
}
