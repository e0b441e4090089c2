package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/train"
)

func TestDataFlagsLieOverTheTrainings(t *testing.T) {
	trained := train.Config{Data: datasets.Options{Name: "imagenet", Dir: "/there", Labels: "val.txt"}, Classes: "a,c",
		Variant: "full"}
	for name, c := range map[string]struct {
		args []string
		want train.Config
		said string
	}{
		"nothing given": {nil, trained, "classes: a,c alone, as in training; --classes= takes all\n"},
		"all classes": {[]string{"--classes="},
			train.Config{Data: datasets.Options{Name: "imagenet", Dir: "/there", Labels: "val.txt"}, Variant: "full"}, ""},
		"other classes": {[]string{"--classes", "b"},
			train.Config{Data: datasets.Options{Name: "imagenet", Dir: "/there", Labels: "val.txt"}, Classes: "b",
				Variant: "full"}, ""},
		"moved": {[]string{"--data-dir", "/here"},
			train.Config{Data: datasets.Options{Name: "imagenet", Dir: "/here", Labels: "val.txt"}, Classes: "a,c",
				Variant: "full"}, "classes: a,c alone"},
		"another data set": {[]string{"--dataset", "folder", "--data-dir", "D"},
			train.Config{Data: datasets.Options{Name: "folder", Dir: "D"}, Variant: "full"}, ""},
		"the same, by name": {[]string{"--dataset", "imagenet", "--data-dir", "D", "--val-labels", "x"},
			train.Config{Data: datasets.Options{Name: "imagenet", Dir: "D", Labels: "x"}, Classes: "a,c", Variant: "full"},
			"classes: a,c alone"},
		"another draw": {[]string{"--classes=", "--data-seed", "7", "--correlation", "0.25", "--count", "9"},
			train.Config{Data: datasets.Options{Name: "imagenet", Dir: "/there", Labels: "val.txt", Seed: 7, Correlation: 0.25,
				Count: 9}, Variant: "full"}, ""},
		"some of another": {[]string{"--dataset", "folder", "--data-dir", "D", "--classes", "x,y", "--train-variant",
			"foreground"}, train.Config{Data: datasets.Options{Name: "folder", Dir: "D"}, Classes: "x,y", Variant: "foreground"},
			""},
	} {
		f := pflag.NewFlagSet(name, pflag.ContinueOnError)
		d := bindData(f)
		require.NoError(t, f.Parse(c.args), name)
		k, w := train.Checkpoint{Config: trained}, strings.Builder{}
		require.NoError(t, d.over(&w, &k), name)
		assert.Equal(t, c.want, k.Config, name)
		assert.Equal(t, c.said, w.String()[:len(c.said)], name)
		assert.Equal(t, c.said == "", w.String() == "", name)
	}
	foreign, err := train.ScriptedCheckpoint("net.pt", train.Default())
	require.NoError(t, err)
	err = bindData(pflag.NewFlagSet("x", pflag.ContinueOnError)).over(&strings.Builder{}, &foreign)
	assert.ErrorContains(t, flagged(err), "needs --dataset")
}
