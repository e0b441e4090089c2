package methods_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/methods"
)

// wanted are constants of a recipe: NAME=VALUE, of a method's option .NAME=VALUE, of
// the augmentation +NAME=VALUE.
type wanted struct{ recipe, sets, constants string }

const (
	smallSets = "cifar10 cifar100 stl10 tiny-imagenet"
	allSets   = smallSets + " imagenet-100 imagenet"
)

func check(t *testing.T, d methods.Defaults, all []wanted) {
	for _, c := range all {
		for _, set := range strings.Fields(c.sets) {
			got := settings(t, c.recipe, set, d)
			for _, pair := range strings.Fields(c.constants) {
				name, value, ok := strings.Cut(pair, "=")
				require.True(t, ok, pair)
				name = strings.NewReplacer(".", "method-option ", "+", "augment-option ").Replace(name)
				assert.Equal(t, value, got[name], "%s of %s on %s, %s", name, c.recipe, set, d)
			}
		}
	}
}

func TestRecipesOfTheBaseline(t *testing.T) {
	const contrastive = ".head_last=1 .head_layers=2 .head_norm=1 .view_norm=1"
	check(t, methods.Baseline, []wanted{
		{"simclr", "cifar10 cifar100", "lr=0.003 epochs=1000 dim=64"},
		{"simclr", "stl10", "lr=0.002 epochs=2000 dim=128"},
		{"simclr", "tiny-imagenet imagenet-100", "lr=0.002 epochs=1000 dim=128"},
		{"simclr", smallSets + " imagenet-100", "optimizer=adam weight-decay=1e-06 batch-size=512 warmup=500 schedule=step " +
			"drops=50,25 drop-gamma=0.2 hidden=1024 temperature=0.5 " + contrastive},
		{"simclr", smallSets, "+crop-min=0.2 +jitter=0.8 +brightness=0.4 +hue=0.1 +gray=0.1 +flip=0.5 +blur=0"},
		{"simclr", "imagenet-100 imagenet", "+crop-min=0.08 +brightness=0.8 +hue=0.2 +gray=0.2 +blur=0.5"},
		{"dcl", smallSets, contrastive}, {"dclw", smallSets, contrastive}, {"lmcl", smallSets, contrastive},
		{"relic", smallSets, contrastive},
		{"byol", smallSets, "batch-size=512 momentum-target=0.99 .ema=1 .view_norm=2 .head_last=0 .predictor_hidden=1024"},
		{"w_mse", "cifar10 cifar100", "batch-size=256 .views=4 .sub_batch=128 .iterations=1 .view_norm=1"},
		{"w_mse", "stl10 tiny-imagenet imagenet-100", "batch-size=256 .views=4 .sub_batch=256 .iterations=1"},
		{"w_mse2", "cifar10 cifar100", "batch-size=512 .views=2 .sub_batch=128 .iterations=1"},
		{"w_mse2", "stl10 tiny-imagenet", "batch-size=512 .views=2 .sub_batch=256 .iterations=4"},
		{"ressl", smallSets, ".ema=0 .tau_teacher=0.04 temperature=0.1"},
		{"ressl", "cifar10 cifar100", "queue=4096 momentum-target=0.99"},
		{"ressl", "stl10 tiny-imagenet", "queue=16384 momentum-target=0.996"},
		{"vicreg", smallSets, "hidden=2048 dim=2048 .head_layers=3 .head_bias=1 optimizer=adam"},
		{"barlow_twins", smallSets, "hidden=2048 dim=2048 .head_layers=3 .head_bias=2 .off_diagonal=0.0051"},
		{"simsiam", smallSets + " imagenet-100", "optimizer=adam .head_layers=3 .head_last=2 .predictor_hidden=512 " +
			".predictor_steady=1"},
		{"directpred", allSets, ".rho=0.3 .eps=0.01 momentum-target=0.996 .ema=0"},
		{"cmc", smallSets, "+jitter=0 +gray=0 +blur=0"},
		{"byol", "imagenet", "optimizer=lars lr=0.3 scale-lr=256 batch-size=4096 schedule=cosine"},
	})
}

func TestRecipesOfTheAuthorsOnSmallSets(t *testing.T) {
	check(t, methods.Paper, []wanted{
		{"simclr", "cifar10 cifar100", "optimizer=lars lr=1 scale-lr=256 batch-size=512 temperature=0.5 hidden=512 +blur=0"},
		{"simsiam", "cifar10", "optimizer=sgd lr=0.03 scale-lr=256 weight-decay=0.0005 epochs=800 batch-size=512 +blur=0"},
		{"simsiam", smallSets, ".head_layers=2"}, {"simsiam", "imagenet-100 imagenet", ".head_layers=3"},
		{"simsiam", allSets, "optimizer=sgd hidden=2048 dim=2048 .head_last=2 .head_bias=2 " +
			".predictor_hidden=512 .predictor_bias=3 .predictor_steady=1 .view_norm=2"},
		{"moco", "cifar10", "optimizer=sgd lr=0.06 batch-size=512 queue=4096 momentum-target=0.99 temperature=0.1 " +
			".head_layers=1"},
		{"ressl", smallSets, "optimizer=sgd lr=0.06 weight-decay=0.0005 batch-size=256 hidden=512 dim=128"},
		{"ressl", "cifar10 cifar100", "queue=4096 momentum-target=0.99"},
		{"byol", smallSets, "optimizer=lars lr=0.2 scale-lr=256 batch-size=512 hidden=4096 dim=256 momentum-target=0.996"},
		{"barlow_twins", smallSets, "optimizer=lars hidden=2048 dim=2048 .head_layers=3 batch-size=512"},
		{"vicreg", smallSets, "optimizer=lars hidden=2048 dim=2048 .head_layers=3 .invariance=25 .variance=25 .covariance=1"},
		{"dcl", "stl10", "optimizer=adam lr=0.001 batch-size=256 temperature=0.5 .tau_plus=0.1 .head_last=1"},
		{"dcl", smallSets, ".head_last=1"}, {"dclw", smallSets, ".head_last=1"}, {"lmcl", smallSets, ".head_last=1"},
		{"relic", smallSets, ".head_last=0 .target=1"}, {"simclr", allSets, ".head_last=1 .view_norm=0"},
		{"cmc", "stl10", "temperature=0.1"}, {"cmc", "cifar10", "temperature=0.07 +jitter=0 +gray=0 +flip=0.5"},
		{"directpred", "stl10", "optimizer=sgd lr=0.03 batch-size=128 momentum-target=0.996 .rho=0.3 .eps=0.01"},
		{"align_uniform", "stl10", "batch-size=768 lr=0.12 weight-decay=0.0001 .align=1 .t=2"},
	})
}

// Table 3's rows, and other methods on ImageNet.
func TestRecipesOfTheAuthorsOnImageNet(t *testing.T) {
	check(t, methods.Paper, []wanted{
		{"simclr", "imagenet", "optimizer=lars lr=0.3 scale-lr=256 batch-size=4096 weight-decay=1e-06 epochs=1000 " +
			"schedule=cosine warmup=3120 temperature=0.1 hidden=2048 dim=128 .head_layers=2 .head_last=1 +hue=0.2 +blur=0.5"},
		{"moco", "imagenet", "optimizer=sgd lr=0.03 scale-lr=0 weight-decay=0.0001 batch-size=256 queue=65536 epochs=800 " +
			"temperature=0.2 momentum-target=0.999 .directions=1 .head_norm=0 +crop-min=0.2 +hue=0.1"},
		{"infomin", "imagenet", "optimizer=sgd lr=0.03 weight-decay=0.0001 batch-size=256 queue=65536 temperature=0.15 " +
			"epochs=800 .directions=1 +crop-min=0.2"},
		{"cmc", "imagenet", "temperature=0.07 lr=0.03 scale-lr=128 weight-decay=0.0001 epochs=240 drops=120,80,40 " +
			"+crop-min=0.08 +jitter=0 +gray=0 +blur=0 +flip=0.5 .head_layers=1"},
		{"cpc", "imagenet", "optimizer=adam batch-size=512 dim=64 .offset=3 .scale=0.1 .blocks=5 +jitter=0 +gray=0"},
		{"swav", "imagenet", "prototypes=3000 .small_views=6 +crop-min=0.14 +crop-max=1 optimizer=lars lr=4.8 " +
			"batch-size=4096 epochs=800 hidden=2048 dim=128 temperature=0.1 .epsilon=0.05 .iterations=3 .frozen=313"},
		{"byol", "imagenet", "momentum-target=0.996 .ema=1 hidden=4096 dim=256 weight-decay=1.5e-06 lr=0.2 scale-lr=256 " +
			"epochs=1000 warmup=3120 .predictor_hidden=4096 +saturation=0.2"},
		{"relic", "imagenet", "optimizer=lars lr=0.2 scale-lr=256 weight-decay=1.5e-06 batch-size=4096 epochs=1000 " +
			"warmup=3120 hidden=4096 dim=256 .head_last=0 +hue=0.2 +blur=0.5"},
		{"ssl_hsic", "imagenet", "optimizer=lars lr=0.4 scale-lr=256 weight-decay=1e-06 hidden=4096 dim=256 .gamma=3"},
		{"ressl", "imagenet", "queue=131072 momentum-target=0.999 .ema=0 hidden=4096 dim=512 lr=0.05 .tau_teacher=0.04"},
		{"pcl", "imagenet-100 imagenet", "queue=16384 momentum-target=0.999"},
		{"pcl", "imagenet", "prototypes=25000,50000,100000 temperature=0.2 .warmup=0.1 .iterations=20"},
		{"simsiam", "imagenet", "lr=0.05 scale-lr=256 weight-decay=0.0001 batch-size=512 epochs=100"},
		{"w_mse", "imagenet-100 imagenet", "optimizer=adam lr=0.002 epochs=240 batch-size=256 .views=4 .sub_batch=256"},
		{"w_mse2", "imagenet-100 imagenet", "epochs=240 batch-size=512 .views=2 .sub_batch=256 .iterations=1"},
		{"barlow_twins", "imagenet", "hidden=8192 dim=8192 lr=0.2 batch-size=2048 epochs=1000 .off_diagonal=0.0051"},
		{"vicreg", "imagenet", "hidden=8192 dim=8192 lr=0.2 batch-size=2048 epochs=1000 +solarize=0.1"},
	})
}

// Table 2: 4,096 negatives, of a queue or in the batch.
func TestRecipesOfTableTwo(t *testing.T) {
	const inBatch = "batch-size=2048 micro-batch=256"
	check(t, methods.Paper, []wanted{
		{"simclr", "imagenet-100", inBatch + " .head_last=1 temperature=0.1"},
		{"moco", "imagenet-100", "queue=4096 batch-size=256"},
		{"cmc", "imagenet-100", inBatch + " temperature=0.07 lr=0.03 scale-lr=128 +crop-min=0.2 +jitter=0 +gray=0"},
		{"swav", "imagenet-100", "prototypes=3000 .small_views=6"},
		{"dcl", "imagenet-100", inBatch + " temperature=0.07 .tau_plus=0.01 .head_last=1"},
		{"lmcl", "imagenet-100", inBatch + " temperature=0.07 .head_last=1"},
	})
	for _, recipe := range []string{"simclr", "moco", "cmc", "dcl", "lmcl"} {
		all, err := methods.Settings(recipe, "imagenet-100", methods.Paper)
		require.NoError(t, err)
		said := false
		for _, x := range all {
			said = said || strings.Contains(x.Source, "Table 2, says 4,096 negatives")
		}
		assert.True(t, said, recipe)
	}
}
