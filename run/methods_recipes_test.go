package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// A recipe's settings are flags of pretrain with valid values, and its augmentation exists.
func TestRecipePrintedIsTyped(t *testing.T) {
	for _, set := range methods.DataSets() {
		status, out, errs := do("methods", "--preset", set)
		require.Zero(t, status, errs)
		for _, name := range methods.Recipes() {
			for _, d := range methods.AllDefaults() {
				recipeIsTyped(t, out, name, set, d)
			}
		}
	}
}

// recipeIsTyped sets the flags of a recipe and looks for each in what was printed.
func recipeIsTyped(t *testing.T, out, name, set string, d methods.Defaults) {
	all, err := methods.Settings(name, set, d)
	require.NoError(t, err)
	c := train.Default()
	c.Method = methods.MethodOf(name)
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	bindConfig(f, &c)
	for _, x := range all {
		assert.Contains(t, out, x.Source)
		if x.Name == methods.NotBuilt {
			assert.Contains(t, out, x.Value)
			continue
		}
		flag, option, isOption := strings.Cut(x.Name, " ")
		value := x.Value
		if isOption {
			value = option + "=" + value
		}
		assert.NoError(t, f.Set(flag, value), "%s on %s, %s", name, set, d)
	}
	_, err = c.Augmentation()
	assert.NoError(t, err, "%s on %s, %s", name, set, d)
}

func TestRecipesArePrinted(t *testing.T) {
	_, out, _ := do("methods", "--preset", "imagenet")
	assert.Regexp(t, `moco +paper +--queue +65536 +github.com/facebookresearch/moco, main_moco.py`, out)
	assert.Regexp(t, `infomin +paper +not built +the JigSaw branch`, out)
	assert.Regexp(t, `(?s)simclr +paper .*simclr +baseline `, out, "the table's defaults come first")
	assert.Contains(t, out, "`--method METHOD --preset imagenet` sets what is listed for \"paper\", and with")
	_, out, _ = do("methods", "--preset", "cifar10")
	assert.Regexp(t, `w_mse2 +baseline +--method-option views +2 `, out)
	assert.Regexp(t, `simsiam +paper +--optimizer +sgd `, out)
	status, _, errs := do("methods", "--preset", "imagnet")
	assert.Equal(t, 2, status)
	assert.Contains(t, errs, `did you mean "imagenet"?`)
	_, out, _ = do("methods", "--options")
	assert.Regexp(t, `simsiam +predictor_steady +0`, out)
	assert.Regexp(t, `simclr +view_norm +0`, out)
}
