package methods

import (
	"slices"

	"github.com/icl-msr/icl-msr/internal/suggest"
)

// Setting is a constant of a recipe, as its flag has it, with where it is from. A
// name with a blank is an option of the method's: "method-option view_norm".
type Setting struct{ Name, Value, Source string }

// Sources of constants. What starts with Unchecked was taken from the paper that
// it names, and nobody has looked it up since.
const (
	Ours      = "our choice"
	Unchecked = "not checked: "
	Baseline  = "github.com/htdt/self-supervised, "

	asBaseline = Ours + ": as the baseline has it for its own methods"
)

// DataSets lists the data sets that Settings knows.
func DataSets() []string {
	return []string{"cifar10", "cifar100", "stl10", "tiny-imagenet", "imagenet"}
}

// Settings is a method's recipe on a data set: what a comparison at its own
// working point would use. Without a recipe it is empty.
func Settings(method, set string) ([]Setting, error) {
	if !slices.Contains(Names(), method) {
		return nil, suggest.Unknown("method", method, Names())
	}
	if !slices.Contains(DataSets(), set) {
		return nil, suggest.Unknown("data set with recipes", set, DataSets())
	}
	if set == "imagenet" {
		return onImageNet(method), nil
	}
	return over(over(smallSets(), ofSmallSet(set)), onSmallSet(method, set)), nil
}

// over is a recipe with other settings instead of its own of the same name, and
// with more.
func over(recipe, others []Setting) []Setting {
	out := slices.Clone(recipe)
	for _, o := range others {
		if i := slices.IndexFunc(out, func(x Setting) bool { return x.Name == o.Name }); i >= 0 {
			out[i] = o
		} else {
			out = append(out, o)
		}
	}
	return out
}

// from gives settings, name and value in turn, one source.
func from(source string, pairs ...string) (out []Setting) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, Setting{pairs[i], pairs[i+1], source})
	}
	return out
}

// option is the name of a method's option as a setting.
func option(name string) string { return "method-option " + name }

// smallSets are the baseline's settings on every small data set.
func smallSets() []Setting {
	return from(Baseline+"cfg.py and train.py", "optimizer", "adam", "weight-decay", "1e-06", "schedule", "step",
		"drops", "50,25",
		"drop-gamma", "0.2", "warmup", "500", "batch-size", "512", "hidden", "1024")
}

// ofSmallSet is what differs between the small data sets.
func ofSmallSet(set string) []Setting {
	rows := map[string][3]string{"cifar10": {"1000", "0.003", "64"}, "cifar100": {"1000", "0.003", "64"},
		"stl10": {"2000", "0.002", "128"}, "tiny-imagenet": {"1000", "0.002", "128"}}[set]
	return from(Baseline+"README", "epochs", rows[0], "lr", rows[1], "dim", rows[2])
}
