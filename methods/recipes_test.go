package methods_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
)

// settings are a recipe by name.
func settings(t *testing.T, method, set string) map[string]string {
	all, err := methods.Settings(method, set)
	require.NoError(t, err)
	out := map[string]string{}
	for _, x := range all {
		assert.NotContains(t, out, x.Name, "%s on %s has it twice", method, set)
		assert.NotEmpty(t, x.Source, x.Name)
		out[x.Name] = x.Value
	}
	return out
}

// Each method has a recipe on each small data set, and its options are ones that
// the method takes.
func TestRecipesAreOfTheMethods(t *testing.T) {
	for _, set := range methods.DataSets() {
		for _, method := range methods.Names() {
			all := settings(t, method, set)
			if set != "imagenet" {
				assert.NotEmpty(t, all["lr"], "%s on %s", method, set)
			}
			c := methods.Config{Temperature: 0.5, Hidden: 8, Dim: 5, Options: map[string]float64{}}
			for name, value := range all {
				v, err := strconv.ParseFloat(value, 64)
				if option, ok := strings.CutPrefix(name, "method-option "); ok {
					require.NoError(t, err, name)
					c.Options[option] = v
				}
			}
			_, err := methods.New(method, c)
			assert.NoError(t, err, "%s on %s", method, set)
		}
	}
}

func TestRecipesConstants(t *testing.T) {
	for _, c := range []struct{ method, set, want string }{
		{"simclr", "cifar10",
			"optimizer=adam lr=0.003 epochs=1000 batch-size=512 warmup=500 dim=64 hidden=1024 method-option head_last=1"},
		{"dcl", "cifar100", "batch-size=512 dim=64 method-option head_last=1"},
		{"byol", "stl10", "lr=0.002 epochs=2000 dim=128 momentum-target=0.99"},
		{"w_mse", "cifar10", "batch-size=256 method-option views=4 method-option sub_batch=128"},
		{"w_mse", "stl10", "batch-size=256 method-option views=4 method-option sub_batch=256"},
		{"simsiam", "cifar10",
			"optimizer=sgd method-option head_layers=3 method-option head_last=2 method-option predictor_steady=1"},
		{"vicreg", "tiny-imagenet", "hidden=2048 dim=2048 method-option head_layers=3"},
		{"moco", "imagenet",
			"optimizer=sgd lr=0.03 weight-decay=0.0001 batch-size=256 queue=65536 method-option directions=1"},
		{"infomin", "imagenet", "temperature=0.15"},
		{"byol", "imagenet", "momentum-target=0.996 hidden=4096 dim=256 weight-decay=1.5e-06 lr=0.2 scale-lr=256"},
		{"simclr", "imagenet", "temperature=0.1 hidden=2048"},
		{"swav", "imagenet", "prototypes=3000 method-option small_views=6"},
	} {
		all := settings(t, c.method, c.set)
		for _, want := range strings.Split(strings.ReplaceAll(c.want, "method-option ", "method-option|"), " ") {
			name, value, _ := strings.Cut(strings.ReplaceAll(want, "|", " "), "=")
			assert.Equal(t, value, all[name], "%s of %s on %s", name, c.method, c.set)
		}
	}
	_, err := methods.Settings("simclr", "cifar")
	assert.ErrorContains(t, err, `unknown data set with recipes "cifar"`)
	_, err = methods.Settings("simclrr", "cifar10")
	assert.ErrorContains(t, err, `did you mean "simclr"`)
}
