package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/settings"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/train"
)

// settled returns the configuration of pretrain with a file of settings and flags.
func settled(t *testing.T, text string, args ...string) (train.Config, error) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	var o bytes.Buffer
	out := func(f *pflag.FlagSet) { f.String("out", "", "") }
	return request{command: "pretrain", args: append([]string{"--config", path}, args...),
		extra: out}.settle(program{&o, &o})
}

func TestTypesInAFileAreThoseOfTheFlags(t *testing.T) {
	for text, want := range map[string]string{
		"epochs: 2.9":     "c.yaml:1: epochs 2.9: want a whole number",
		"save-every: 0.5": "c.yaml:1: save-every 0.5: want a whole number",
		"queue: 010":      "c.yaml:1: queue 010: want a whole number, without zeros before it",
		"drops: [50, 025]": "c.yaml:1: drops 50,025: want whole numbers with commas between them, " +
			"without zeros",
		"drops: [50, 2.5]":                    "drops 50,2.5: want whole numbers with commas",
		"drops: [[1]]":                        "drops has a list: want whole numbers",
		"lr: 0.1\nepochs: many":               "c.yaml:2: epochs many: want a whole number",
		"epochs: 1e3":                         "epochs 1e3: want a whole number",
		"epochs:":                             "epochs has no value: want a whole number",
		"seed: -1":                            "seed -1: want a whole number from 0 on",
		"lr: fast":                            "lr fast: want a number",
		"msr: 2":                              "msr 2: want true or false",
		"save-after: 10":                      "save-after 10: want a time, as 90s or 1h30m",
		"epochs: [2]":                         "epochs has a list: want a whole number",
		"method: {a: b}":                      "method has settings of its own: want a text",
		"method-option: {a: b}":               "method-option: a=b: want a number",
		"method-option: 3":                    `method-option: "3": want NAME=VALUE`,
		"method-option: {a: {b: 1}}":          "want {NAME: NUMBER, ...}",
		"\n\nepoch: 3":                        `c.yaml:3: unknown setting "epoch"; did you mean "epochs"?`,
		"presets: cpu":                        `unknown setting "presets"; did you mean "preset"?`,
		"xyzzyxyzzy: 3":                       "settings have the names of flags",
		"verbose: true":                       "verbose is no setting of a run: give it as --verbose",
		"out: runs/x":                         "out is no setting of a run: give it as --out on the command line",
		"epochs: 2\nlr: 1\nepochs: 3":         "c.yaml:3: epochs comes twice, before in line 1",
		"lr: 1\npreset: cifra10":              `c.yaml:2: unknown preset "cifra10"; did you mean "cifar10"?`,
		"- epochs":                            "c.yaml:1: want lines of NAME: VALUE",
		"epochs: 2\n---\nepochs: 3":           "a second document",
		"epochs: [":                           "c.yaml: yaml: line 1",
		"? [1, 2]\n: 3":                       `unknown setting ""`,
		"<<: &x {epochs: 1}\nlr: 0.1\n*x : 2": "c.yaml:",
	} {
		_, err := settled(t, text)
		assert.ErrorContains(t, err, want, text)
		assert.IsType(t, usage.Error{}, err, text)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n", text)
		}
	}
	c, err := settled(t, "epochs: 2\nlr: 1e-2\nmsr: yes\ndrops: [5, 1]\nclasses: 010\nsave-after: 1m\nmethod: "+
		"dcl\nmethod-option: {tau_plus: 0.2}\nseed: 7 # a comment\nprototypes: 30\nval-labels:\n")
	require.NoError(t, err)
	assert.Equal(t, 2, c.Schedule.Epochs)
	assert.Equal(t, 0.01, c.Schedule.LR)
	assert.True(t, c.UseMSR)
	assert.Equal(t, []int{5, 1}, c.Schedule.Drops)
	assert.Equal(t, "010", c.Classes, "texts are what they are")
	assert.Equal(t, time.Minute, c.SaveAfter)
	assert.Equal(t, map[string]float64{"tau_plus": 0.2}, c.MethodConfig.Options)
	assert.Equal(t, []int64{30}, c.MethodConfig.Prototypes)
	assert.Empty(t, c.Data.Labels)
	c, err = settled(t, "")
	require.NoError(t, err)
	assert.Equal(t, train.Default(), c)
}

// The command line takes the same types.
func TestNumbersOnTheCommandLineAreDecimal(t *testing.T) {
	for want, args := range map[string][]string{
		"run: --queue 010: want a whole number, without zeros before it": {"pretrain", "--queue", "010"},
		"run: --epochs 2.9: want a whole number":                         {"pretrain", "--epochs=2.9"},
		"run: --drops 5,01: want whole numbers":                          {"pretrain", "--drops", "5,01"},
		"run: --method-option: a=b: want a number":                       {"pretrain", "--method-option", "a=b"},
		"run: --neighbours 08: want a whole number":                      {"eval", "--neighbours", "08"},
	} {
		status, _, errs := do(args...)
		assert.Equal(t, exitUsage, status, want)
		assert.Contains(t, errs, want)
	}
	for text, is := range map[string]bool{"0": false, "10": false, "010": true, "-010": true, "1,02": true, "0x10": false,
		"0.5": false, "00": true, "": false} {
		assert.Equal(t, is, settings.Octal(text), text)
	}
}

func TestAFileNamesItsPreset(t *testing.T) {
	c, err := settled(t, "preset: imagenet\nepochs: 3\n", "--batch-size", "8")
	require.NoError(t, err)
	assert.Equal(t, "lars", c.Optimizer.Name)
	assert.Equal(t, 3, c.Schedule.Epochs, "the file lies over it")
	assert.Equal(t, 8, c.BatchSize)
	c, err = settled(t, "preset: imagenet\n", "--preset", "cpu")
	require.NoError(t, err)
	assert.Equal(t, "resnet8", c.Arch, "the flag rules")
	assert.Equal(t, "adam", c.Optimizer.Name)
}

// The recipe is that of the trained method, wherever that is named, even if it is the default method.
func TestTheRecipeIsThatOfTheMethod(t *testing.T) {
	plain, err := settled(t, "")
	require.NoError(t, err)
	byol, err := settled(t, "", "--method", "byol")
	require.NoError(t, err)
	require.NotEqual(t, plain.MethodConfig.Temperature+plain.MSR.Lambda+plain.MSR.Gamma,
		byol.MethodConfig.Temperature+byol.MSR.Lambda+byol.MSR.Gamma, "or else this test says nothing")
	inFile, err := settled(t, "method: byol\n")
	require.NoError(t, err)
	assert.Equal(t, byol, inFile)
	over, err := settled(t, "method: byol\n", "--method", "simclr")
	require.NoError(t, err)
	assert.Equal(t, plain, over)
	status, _, errs := do("compare", "--method", "simclr")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "--method: compare takes several")
}
