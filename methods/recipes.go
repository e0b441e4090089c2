package methods

import (
	"slices"

	"github.com/icl-msr/icl-msr/internal/suggest"
)

// Setting is one constant of a recipe: the name of the flag that sets it, the value
// as the flag takes it, and the source of the value. A name with a blank is one of
// several of the same flag: "method-option view_norm" with value 1 is given as
// --method-option view_norm=1, and "augment-option blur" likewise. A setting named
// NotBuilt is no flag.
type Setting struct{ Name, Value, Source string }

// NotBuilt is the name of a setting whose value says what the source has and this
// program lacks.
const NotBuilt = "not built"

// Sources of constants that are not a file or a paper which was read.
const (
	// Ours begins the source of a constant that no paper and no code gives.
	Ours = "our choice"
	// Unchecked begins the source of a constant that was taken from memory of the
	// named paper, and that nothing read since confirms.
	Unchecked = "not checked: "
)

// Defaults says whose constants a recipe has.
type Defaults string

const (
	// Baseline is github.com/htdt/self-supervised, whose settings the paper gives to
	// every method on small data sets (arXiv 2206.14702, section 6.2). What defines a
	// method, such as its queue, its target network or the head that its loss is
	// tuned for, is the method's own.
	Baseline Defaults = "baseline"
	// Paper is the method's own paper or its authors' code, on this data set or on the
	// nearest one that they ran.
	Paper Defaults = "paper"
)

// AllDefaults lists the values of Defaults.
func AllDefaults() []Defaults { return []Defaults{Baseline, Paper} }

// WMSE2 is the recipe of W-MSE with two views; the recipe w_mse has four.
const WMSE2 = "w_mse2"

// Recipes lists the names of recipes: those of the methods, and WMSE2.
func Recipes() []string {
	names := Names()
	return slices.Insert(names, slices.Index(names, "w_mse")+1, WMSE2)
}

// MethodOf is the name of the method that a recipe is of.
func MethodOf(recipe string) string {
	if recipe == WMSE2 {
		return "w_mse"
	}
	return recipe
}

// DataSets lists the data sets that Settings knows, by the names of the presets.
func DataSets() []string {
	return []string{"cifar10", "cifar100", "stl10", "tiny-imagenet", "imagenet-100", "imagenet"}
}

// TableDefaults says whose recipes the paper's table on a data set used. Table 1, on
// the four small sets, is the baseline's: section 6.2 gives its settings to all
// compared methods. Tables 2 and 3 quote the methods' own papers: but for SSL-HSIC's,
// Table 3's numbers are those of arXiv 2010.07922, Table 1. That is our reading:
// section 6.2 also names 1000 epochs and a rate of 2e-3 for ImageNet-100, which are
// that set's baseline here.
func TableDefaults(set string) Defaults {
	if small(set) {
		return Baseline
	}
	return Paper
}

// Settings is a method's recipe on a data set, complete but for lambda, gamma and
// the network, which are the preset's. Settings named NotBuilt stand at its end.
func Settings(recipe, set string, d Defaults) ([]Setting, error) {
	if !slices.Contains(Recipes(), recipe) {
		return nil, suggest.Unknown("method", recipe, Recipes())
	}
	if !slices.Contains(DataSets(), set) {
		return nil, suggest.Unknown("data set with recipes", set, DataSets())
	}
	switch d {
	case Baseline:
		return ordered(withOptions(recipe, baselineRecipe(recipe, set))), nil
	case Paper:
		return ordered(withOptions(recipe, paperRecipe(recipe, set))), nil
	}
	return nil, suggest.Unknown("defaults of methods", string(d), []string{string(Baseline), string(Paper)})
}

// small says that a data set is one of the four of Table 1.
func small(set string) bool { return set != "imagenet-100" && set != "imagenet" }

// ofCIFAR says that the pictures have 32 x 32 pixels.
func ofCIFAR(set string) bool { return set == "cifar10" || set == "cifar100" }

// picturesOf is the number of training pictures of a data set, of stl10 with those
// that have no labels, of imagenet-100 by the list of github.com/HobbitLong/CMC.
func picturesOf(set string) int {
	return map[string]int{
		"cifar10": 50_000, "cifar100": 50_000, "stl10": 105_000, "tiny-imagenet": 100_000,
		"imagenet-100": 126_689, "imagenet": 1_281_167,
	}[set]
}
