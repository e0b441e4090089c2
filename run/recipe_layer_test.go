package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/train"
)

// asTyped returns the flags of a recipe.
func asTyped(recipe, set string, more ...string) []string {
	out := append([]string{"--preset", set, "--method", methods.MethodOf(recipe)}, more...)
	if recipe == methods.WMSE2 {
		out = append(out, "--method-option", "views=2")
	}
	return out
}

// The configuration has the values that are printed of a recipe. Networks, views and rates can be made of it.
func TestARecipeIsWhatIsSet(t *testing.T) {
	for _, set := range methods.DataSets() {
		for _, recipe := range methods.Recipes() {
			for _, d := range methods.AllDefaults() {
				c, err := settled(t, "", asTyped(recipe, set, "--method-defaults", string(d))...)
				require.NoError(t, err)
				hasRecipe(t, c, recipe, set, d)
				if d == methods.TableDefaults(set) {
					same, err := settled(t, "", asTyped(recipe, set)...)
					require.NoError(t, err)
					assert.Equal(t, c, same, "%s on %s: the table's", recipe, set)
				}
				_, _, err = c.Model(2_000_000)
				assert.NoError(t, err, "%s on %s, %s", recipe, set, d)
				_, err = c.Augmentation()
				assert.NoError(t, err, "%s on %s, %s", recipe, set, d)
				c.Schedule.Steps = 100
				assert.NoError(t, c.Schedule.Validate(), "%s on %s, %s", recipe, set, d)
			}
		}
	}
}

// hasRecipe compares each setting of a recipe with the value of its flag.
func hasRecipe(t *testing.T, c train.Config, recipe, set string, d methods.Defaults) {
	all, err := methods.Settings(recipe, set, d)
	require.NoError(t, err)
	var typed train.Config
	want, got := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	bindConfig(want, &typed)
	bindConfig(got, &c)
	options := map[string]map[string]float64{"method-option": c.MethodConfig.Options, "augment-option": c.AugmentOptions}
	named := map[string]int{}
	for _, x := range all {
		if x.Name == methods.NotBuilt {
			continue
		}
		flag, option, isOption := strings.Cut(x.Name, " ")
		if named[flag]++; isOption {
			v, err := strconv.ParseFloat(x.Value, 64)
			require.NoError(t, err)
			assert.Equal(t, v, options[flag][option], "%s of %s on %s, %s", x.Name, recipe, set, d)
			continue
		}
		require.NoError(t, want.Set(flag, x.Value))
		assert.Equal(t, want.Lookup(flag).Value.String(), got.Lookup(flag).Value.String(), "%s of %s on %s, %s", x.Name,
			recipe, set, d)
	}
	for flag, values := range options {
		assert.Len(t, values, named[flag], "no %s that the recipe does not name: %s on %s, %s", flag, recipe, set, d)
	}
}

// A recipe overrides the method's constants. The preset, the file and the flags override the recipe.
func TestTheRecipeIsALayer(t *testing.T) {
	c := on(t, request{}, "", "--preset", "cifar10", "--method", "simsiam")
	assert.Equal(t, []any{"adam", 512, int64(2048), 3.0}, []any{c.Optimizer.Name, c.BatchSize, c.MethodConfig.Dim,
		c.MethodConfig.Options["head_layers"]}, "the baseline's training, the method's head")
	c = on(t, request{}, "", "--preset", "cifar10", "--method", "simsiam", "--method-defaults", "paper")
	assert.Equal(t, []any{"sgd", 800}, []any{c.Optimizer.Name, c.Schedule.Epochs})
	file := "preset: cifar10\nmethod: simsiam\nmethod-defaults: paper\nepochs: 3\nmethod-option: {view_norm: 1}\n"
	c = on(t, request{}, file, "--lr", "0.7")
	assert.Equal(t, []any{"sgd", 3, 0.7}, []any{c.Optimizer.Name, c.Schedule.Epochs, c.Schedule.LR})
	assert.Equal(t, []float64{1, 2}, []float64{c.MethodConfig.Options["view_norm"], c.MethodConfig.Options["head_layers"]},
		"an option of a file lies over the recipe's, whose others stay")
	c = on(t, request{}, file, "--method-defaults", "baseline", "--method-option", "head_layers=4")
	assert.Equal(t, "adam", c.Optimizer.Name, "the flag over the file")
	assert.Equal(t, []float64{1, 4}, []float64{c.MethodConfig.Options["view_norm"], c.MethodConfig.Options["head_layers"]})

	c = on(t, request{}, "", "--preset", "cpu", "--method", "simsiam", "--method-defaults", "paper")
	assert.Equal(t, []any{"sgd", 128, 10, "resnet8", "shapes"}, []any{c.Optimizer.Name, c.BatchSize, c.Schedule.Epochs,
		c.Arch, c.Data.Name}, "the preset over the recipe")
	c = on(t, request{preset: "imagenet", change: func(c *train.Config) { c.BatchSize = 5 }}, "", "--method", "moco")
	assert.Equal(t, []any{5, int64(65536), "sgd", 0.1}, []any{c.BatchSize, c.MethodConfig.Queue, c.Optimizer.Name,
		c.MSR.Lambda}, "the command's own over its preset's recipe")
}

// Without a data set's preset, --method-defaults takes the recipe of the data set, or of the set with the most similar
// pictures.
func TestTheRecipeOfOtherPictures(t *testing.T) {
	for line, want := range map[string]struct {
		set string
		d   methods.Defaults
	}{
		"--dataset tiny_imagenet --method-defaults baseline":             {"tiny-imagenet", methods.Baseline},
		"--dataset imagenet --method-defaults paper":                     {"imagenet", methods.Paper},
		"--dataset imagenet --classes n01440764 --method-defaults paper": {"imagenet-100", methods.Paper},
		"--method-defaults paper":                                        {"cifar10", methods.Paper},
		"--dataset folder --size 64 --method-defaults baseline":          {"tiny-imagenet", methods.Baseline},
		"--preset coco --method-defaults paper":                          {"imagenet-100", methods.Paper},
		"--preset stl10 --dataset folder --size 32":                      {"stl10", methods.Baseline},
	} {
		c, err := settled(t, "", append(strings.Fields(line), "--method", "byol")...)
		require.NoError(t, err)
		all, err := methods.Settings("byol", want.set, want.d)
		require.NoError(t, err)
		for _, x := range all {
			if x.Name == "epochs" {
				assert.Equal(t, x.Value, strconv.Itoa(c.Schedule.Epochs), line)
			}
			if x.Name == "lr" {
				assert.Equal(t, x.Value, strconv.FormatFloat(c.Schedule.LR, 'g', -1, 64), line)
			}
		}
	}
}

// The fast weights descend without momentum. If the optimizer is not Adam, their rate is the paper's.
func TestFastWeightsKeepThePapersRate(t *testing.T) {
	for line, want := range map[string]float64{
		"--preset cifar10":                               3e-3,
		"--preset cifar10 --method-defaults paper":       3e-3,
		"--preset imagenet":                              2e-3,
		"--preset imagenet --alpha 0.5":                  0.5,
		"--preset stl10 --lr 0.25":                       0.25,
		"--preset imagenet-100 --method moco":            2e-3,
		"--preset lightly-cifar10 --method-option ema=1": 3e-3,
	} {
		c, err := settled(t, "", strings.Fields(line)...)
		require.NoError(t, err)
		assert.Equal(t, want, c.Meta().Alpha, line)
	}
}

func TestDefaultsOfMethodsThatThereAreNot(t *testing.T) {
	_, err := settled(t, "method: byol\nmethod-defaults: papers\n")
	assert.ErrorContains(t, err, `c.yaml:2: unknown --method-defaults "papers"; did you mean "paper"?`)
	status, _, errs := do("pretrain", "--method-defaults", "base")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, `unknown --method-defaults "base"`)
	status, _, errs = do("pretrain", "--preset", "cifar10", "--method", "simclrr")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, `did you mean "simclr"?`)
}

// Every method's own recipe trains, with MSR, on a small network with small batches.
func TestEveryRecipeTrains(t *testing.T) {
	for _, recipe := range methods.Recipes() {
		args := append([]string{"pretrain"}, asTyped(recipe, "imagenet-100", "--msr", "--dataset", "shapes", "--classes", "",
			"--count", "64", "--batch-size", "32", "--epochs", "1", "--warmup", "1", "--drops", "0", "--size", "32", "--stem",
			"cifar", "--arch", "resnet8", "--width", "0.0625", "--hidden", "16", "--dim", "8", "--queue", "64", "--msr-width",
			"0.25", "--threads", "1", "--workers", "1", "--out", filepath.Join(t.TempDir(), recipe))...)
		switch methods.MethodOf(recipe) {
		case "w_mse":
			args = append(args, "--method-option", "sub_batch=16")
		case "pcl":
			args = append(args, "--prototypes", "4,8")
		case "swav":
			args = append(args, "--prototypes", "12")
		}
		status, _, errs := do(args...)
		assert.Zero(t, status, "%s: %s", recipe, errs)
	}
}
