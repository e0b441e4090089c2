package methods

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/icl-msr/icl-msr/nets"
)

// training is how a recipe trains: optimizer, rate, batch and length.
type training struct {
	optimizer     string // adam, sgd or lars
	lr            float64
	per           int // pictures of a batch that the rate is for; 0: of any
	decay         float64
	batch, epochs int
	schedule      string // step, cosine or constant
	drops         string // step: epochs before the end
	gamma         float64
	warmup        int // epochs
}

// A batch of more than largestSmall pictures was made for ImageNet; on a small data set
// it becomes batchOnSmall, the baseline's.
const (
	largestSmall = 1024
	batchOnSmall = 512
)

// rows are the settings on a data set. On a small one 4096 pictures, a twelfth of
// CIFAR's, would be too many for a batch. A warm-up counts iterations: a last batch that
// is not full is left out.
func (t training) rows(source, set string) []Setting {
	ofBatch := source
	if small(set) && t.batch > largestSmall {
		ofBatch = fmt.Sprintf("%s: the baseline's, for %d on ImageNet; the rate follows by scale-lr", Ours, t.batch)
		t.batch = batchOnSmall
	}
	warmup := t.warmup * (picturesOf(set) / t.batch)
	out := from(source, "optimizer", t.optimizer, "lr", number(t.lr), "scale-lr", strconv.Itoa(t.per),
		"weight-decay", number(t.decay))
	if t.optimizer != "adam" {
		out = append(out, Setting{"momentum", "0.9", source})
	}
	out = append(out, Setting{"batch-size", strconv.Itoa(t.batch), ofBatch})
	out = append(out, from(source, "epochs", strconv.Itoa(t.epochs), "schedule", t.schedule, "warmup",
		strconv.Itoa(warmup))...)
	if t.schedule == "step" {
		out = append(out, from(source, "drops", t.drops, "drop-gamma", number(t.gamma))...)
	}
	return out
}

// headForm is the projector. A head of one layer has no hidden width.
type headForm struct {
	hidden, dim, layers int
	plain               bool // no batch norms after hidden layers
	bias                nets.Biases
	last                nets.LastNorm
}

func (h headForm) rows(source string) (out []Setting) {
	if h.layers > 1 {
		out = from(source, "hidden", strconv.Itoa(h.hidden))
	}
	norm := "1"
	if h.plain {
		norm = "0"
	}
	return append(out, from(source, "dim", strconv.Itoa(h.dim), option("head_layers"), strconv.Itoa(h.layers),
		option("head_norm"), norm, option("head_bias"), strconv.Itoa(int(h.bias)),
		option("head_last"), strconv.Itoa(int(h.last)))...)
}

// augmentation is that of the strong views.
type augmentation struct {
	cropMin, cropMax                      float64
	jitter                                float64 // its probability
	brightness, contrast, saturation, hue float64
	gray, flip, blur, solarize            float64
}

// halved are views of half the strength of jitter, without blur, as small pictures
// have.
func (a augmentation) halved() augmentation {
	a.brightness, a.contrast, a.saturation, a.hue, a.blur = 0.4, 0.4, 0.4, 0.1, 0
	return a
}

func (a augmentation) rows(source, set string) []Setting {
	name, ofName := "imagenet", Ours+": the data set's preset"
	switch {
	case set == "cifar10":
		name = "cifar"
	case set == "cifar100":
		name, ofName = set, htdt+"datasets/cifar100.py: its own statistics of pixels"
	case small(set):
		name = set
	}
	out := from(ofName, "augment", name)
	for _, x := range []struct {
		name  string
		value float64
	}{
		{"crop-min", a.cropMin}, {"crop-max", a.cropMax}, {"jitter", a.jitter}, {"brightness", a.brightness},
		{"contrast", a.contrast}, {"saturation", a.saturation}, {"hue", a.hue}, {"gray", a.gray}, {"flip", a.flip},
		{"blur", a.blur}, {"solarize", a.solarize},
	} {
		out = append(out, Setting{"augment-option " + x.name, number(x.value), source})
	}
	return out
}

// from makes settings of one source; pairs are name, value, name, value and so on.
func from(source string, pairs ...string) (out []Setting) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, Setting{pairs[i], pairs[i+1], source})
	}
	return out
}

// option is the name of a method's option as a setting.
func option(name string) string { return "method-option " + name }

// lacking makes settings named NotBuilt.
func lacking(source string, parts ...string) (out []Setting) {
	for _, part := range parts {
		out = append(out, Setting{NotBuilt, part, source})
	}
	return out
}

// on adds to a source the data set that it has the constants for, if that is another.
func on(source, ran, set string) string {
	if ran == set {
		return source
	}
	return source + ", for " + ran + ", the nearest there"
}

// over replaces a recipe's settings by others of the same name, and appends those that
// it does not have. All settings named NotBuilt are kept.
func over(recipe []Setting, others ...Setting) []Setting {
	out := slices.Clone(recipe)
	for _, o := range others {
		i := slices.IndexFunc(out, func(x Setting) bool { return x.Name == o.Name && o.Name != NotBuilt })
		if i >= 0 {
			out[i] = o
		} else {
			out = append(out, o)
		}
	}
	return out
}

// registered is the source of an option that a recipe does not name.
const registered = Ours + ": the option's default"

// withOptions adds those of the method's options that the recipe does not name.
func withOptions(recipe string, rows []Setting) []Setting {
	all := All()
	i := slices.IndexFunc(all, func(m Info) bool { return m.Name == MethodOf(recipe) })
	for _, o := range slices.Concat(all[i].Options, all[i].Shared()) {
		x := Setting{option(o.Name), number(o.Default), registered}
		if !slices.ContainsFunc(rows, func(y Setting) bool { return y.Name == x.Name }) {
			rows = append(rows, x)
		}
	}
	return rows
}

// ordered puts what is not built at the end.
func ordered(recipe []Setting) []Setting {
	slices.SortStableFunc(recipe, func(a, b Setting) int {
		return rank(a) - rank(b)
	})
	return recipe
}

func rank(x Setting) int {
	if x.Name == NotBuilt {
		return 1
	}
	return 0
}

// number is a number as flags print it.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
