package methods_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
)

// settings are a recipe by name, without what is not built.
func settings(t *testing.T, recipe, set string, d methods.Defaults) map[string]string {
	all, err := methods.Settings(recipe, set, d)
	require.NoError(t, err)
	out := map[string]string{}
	for i, x := range all {
		assert.NotEmpty(t, x.Value, "%s of %s on %s", x.Name, recipe, set)
		assert.NotEmpty(t, x.Source, "%s of %s on %s", x.Name, recipe, set)
		if x.Name == methods.NotBuilt {
			continue
		}
		assert.NotContains(t, out, x.Name, "%s on %s has it twice", recipe, set)
		assert.True(t, i == 0 || all[i-1].Name != methods.NotBuilt, "what is not built stands last")
		out[x.Name] = x.Value
	}
	return out
}

// eachRecipe calls f with every recipe that there is.
func eachRecipe(f func(recipe, set string, d methods.Defaults)) {
	for _, set := range methods.DataSets() {
		for _, recipe := range methods.Recipes() {
			for _, d := range methods.AllDefaults() {
				f(recipe, set, d)
			}
		}
	}
}

// needed are the names of what a recipe must have.
func needed(m methods.Info) []string {
	out := strings.Fields("optimizer lr scale-lr weight-decay batch-size epochs schedule warmup dim temperature augment")
	const numbers = "crop-min crop-max jitter brightness contrast saturation hue gray flip blur solarize"
	for _, x := range strings.Fields(numbers) {
		out = append(out, "augment-option "+x)
	}
	for _, o := range slices.Concat(m.Options, m.Shared()) {
		out = append(out, "method-option "+o.Name)
	}
	switch m.Name {
	case "moco", "infomin", "ressl":
		return append(out, "queue", "momentum-target")
	case "pcl":
		return append(out, "queue", "momentum-target", "prototypes")
	case "byol", "directpred", "ssl_hsic":
		return append(out, "momentum-target")
	case "swav":
		return append(out, "queue", "prototypes")
	}
	return out
}

// Each recipe is complete, to the last option of its method.
func TestRecipesAreComplete(t *testing.T) {
	all := map[string]methods.Info{}
	for _, m := range methods.All() {
		all[m.Name] = m
	}
	eachRecipe(func(recipe, set string, d methods.Defaults) {
		got := settings(t, recipe, set, d)
		assert.Empty(t, missing(got, needed(all[methods.MethodOf(recipe)])), "%s on %s, %s", recipe, set, d)
		assert.Empty(t, guessed(t, recipe, set, d), "%s on %s, %s", recipe, set, d)
		assert.Equal(t, got["optimizer"] != "adam", got["momentum"] != "", "%s on %s, %s", recipe, set, d)
		assert.Equal(t, got["schedule"] == "step", got["drops"] != "" && got["drop-gamma"] != "", "%s on %s", recipe, set)
		assert.Equal(t, got["method-option head_layers"] != "1", got["hidden"] != "", "%s on %s, %s", recipe, set, d)
	})
}

// guessed are a recipe's settings that the registry alone has, none of a method whose recipe is written down.
func guessed(t *testing.T, recipe, set string, d methods.Defaults) (out []string) {
	all, err := methods.Settings(recipe, set, d)
	require.NoError(t, err)
	for _, x := range all {
		if strings.HasPrefix(x.Value, "the authors' recipe") {
			return nil
		}
		if strings.HasSuffix(x.Source, "the option's default") {
			out = append(out, x.Name)
		}
	}
	return out
}

func missing(got map[string]string, names []string) (out []string) {
	for _, name := range names {
		if _, ok := got[name]; !ok {
			out = append(out, name)
		}
	}
	return out
}

// A method takes its recipe's options.
func TestRecipesAreOfTheMethods(t *testing.T) {
	eachRecipe(func(recipe, set string, d methods.Defaults) {
		got := settings(t, recipe, set, d)
		c := methods.Config{Hidden: 8, Dim: 5, Pictures: 200_000, Options: map[string]float64{}}
		var err error
		c.Temperature, err = strconv.ParseFloat(got["temperature"], 64)
		require.NoError(t, err)
		for name, value := range got {
			if option, ok := strings.CutPrefix(name, "method-option "); ok {
				c.Options[option], err = strconv.ParseFloat(value, 64)
				require.NoError(t, err, name)
			}
		}
		_, err = methods.New(methods.MethodOf(recipe), c)
		assert.NoError(t, err, "%s on %s, %s", recipe, set, d)
	})
}

// A warm-up that a recipe has in epochs counts the iterations of its batch.
func TestRecipesWarmUpInIterations(t *testing.T) {
	for set, want := range map[string]string{"imagenet": "3120", "imagenet-100": "300", "cifar10": "970"} {
		assert.Equal(t, want, settings(t, "byol", set, methods.Paper)["warmup"], set)
	}
	assert.Equal(t, "6250", settings(t, "vicreg", "imagenet", methods.Paper)["warmup"])
	assert.Equal(t, "500", settings(t, "byol", "imagenet-100", methods.Baseline)["warmup"])
}

// A batch that was made for ImageNet is no small set's, and W-MSE is its own baseline.
func TestRecipesFitTheirDataSet(t *testing.T) {
	eachRecipe(func(recipe, set string, d methods.Defaults) {
		batch, err := strconv.Atoi(settings(t, recipe, set, d)["batch-size"])
		require.NoError(t, err)
		if !strings.HasPrefix(set, "imagenet") {
			assert.LessOrEqual(t, batch, 768, "%s on %s", recipe, set) // alignment and uniformity's on STL-10
		}
	})
	for _, recipe := range []string{"w_mse", methods.WMSE2} {
		for _, set := range methods.DataSets()[:4] {
			assert.Equal(t, settings(t, recipe, set, methods.Baseline), settings(t, recipe, set, methods.Paper), set)
		}
	}
}

func TestRecipesThatThereAreNot(t *testing.T) {
	_, err := methods.Settings("simclr", "cifar", methods.Paper)
	assert.ErrorContains(t, err, `unknown data set with recipes "cifar"`)
	_, err = methods.Settings("simclrr", "cifar10", methods.Paper)
	assert.ErrorContains(t, err, `did you mean "simclr"`)
	_, err = methods.Settings("simclr", "cifar10", "papers")
	assert.ErrorContains(t, err, `did you mean "paper"`)
}

// Table 1 is the baseline's, Tables 2 and 3 are the methods' own.
func TestTableDefaults(t *testing.T) {
	for i, set := range methods.DataSets() {
		want := methods.Baseline
		if i >= 4 {
			want = methods.Paper
		}
		assert.Equal(t, want, methods.TableDefaults(set), set)
	}
}

// Both papers compare with a target network. RELIC's is the paper's alone; SSL-HSIC's defines it.
func TestRecipesHaveTheTargetsThatAreBuilt(t *testing.T) {
	for _, set := range methods.DataSets() {
		relic, hsic := settings(t, "relic", set, methods.Paper), settings(t, "ssl_hsic", set, methods.Paper)
		assert.Equal(t, []string{"1", "0.996", "1"},
			[]string{relic["method-option target"], relic["momentum-target"], relic["method-option ema"]}, set)
		assert.Equal(t, []string{"1", "0.99", "1", "4096", "1"},
			[]string{hsic["method-option target"], hsic["momentum-target"], hsic["method-option ema"],
				hsic["method-option predictor_hidden"], hsic["method-option predictor_bias"]}, set)
		assert.Equal(t, "0", settings(t, "relic", set, methods.Baseline)["method-option target"], set)
		assert.Equal(t, "1", settings(t, "ssl_hsic", set, methods.Baseline)["method-option target"], set)
	}
}

// What a source has and the program lacks is said.
func TestRecipesSayWhatIsNotBuilt(t *testing.T) {
	for _, c := range []struct{ recipe, set, word string }{
		{"infomin", "imagenet", "JigSaw"},
		{"moco", "imagenet", "shuffled batch norms"}, {"pcl", "imagenet", "shuffled batch norms"},
		{"ressl", "imagenet", "shuffled batch norms"},
		{"pcl", "imagenet", "five starts"}, {"pcl", "imagenet", "16384 sampled"},
		{"cpc", "imagenet", "layer norms"}, {"cpc", "imagenet", "colour dropping and flips"},
		{"ssl_hsic", "imagenet", "width of the kernel"},
		{"cmc", "imagenet", "memory bank"}, {"dcl", "imagenet-100", "memory bank"},
		{"byol", "imagenet", "views that differ"}, {"barlow_twins", "imagenet", "views that differ"},
		{"vicreg", "imagenet", "views that differ"}, {"barlow_twins", "imagenet", "rate of their own"},
		{"swav", "imagenet", "ends at a thousandth"},
	} {
		all, err := methods.Settings(c.recipe, c.set, methods.Paper)
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(all, func(x methods.Setting) bool {
			return x.Name == methods.NotBuilt && strings.Contains(x.Value, c.word)
		}), "%s on %s: %s", c.recipe, c.set, c.word)
	}
}
