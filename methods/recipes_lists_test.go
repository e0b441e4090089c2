package methods_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
)

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

// counts is a table of where the constants come from.
func counts(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| data set | defaults | from a source | our choice | not checked | not built |\n" +
		"|---|---|---|---|---|---|\n")
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
