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

Each method has two recipes on each data set. ` + "`--method METHOD --preset NAME`" + ` sets the one that the
paper's table used, and ` + "`--method-defaults`" + ` chooses. ` + "`bin/run methods --preset NAME`" + `
prints them, and ` + "`methods.Settings`" + ` returns them. The network, lambda and gamma are the preset's. ` + "`w_mse2`" + ` is typed as
` + "`--method w_mse --method-option views=2`" + `.

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

// recipesReference is docs/reference/recipes.md.
func recipesReference(t *testing.T) string {
	var b strings.Builder
	b.WriteString(recipesIntro + "Where the constants of all methods come from:\n\n" + counts(t))
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
