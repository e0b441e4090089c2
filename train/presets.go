package train

import (
	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
)

// Preset changes the defaults to a data set's recipe.
type Preset struct {
	Name, About string
	Apply       func(c *Config)
}

// Presets lists the recipes of data sets.
func Presets() []Preset {
	small := func(name string, epochs int, lr float64, dim int64, stem, augment string, size int) func(*Config) {
		return func(c *Config) {
			c.Data.Name, c.Augment, c.Size, c.Stem, c.MethodConfig.Dim = name, augment, size, stem, dim
			c.Schedule.Epochs, c.Schedule.LR = epochs, lr
		}
	}
	imagenet := func(c *Config) {
		c.Data.Name, c.Augment, c.Size = "imagenet", "imagenet", 224
		c.Arch, c.Stem, c.MethodConfig.Dim = "resnet50", "imagenet", 128
	}
	return []Preset{
		{"cifar10", "ResNet-18, 1000 epochs, rate 3e-3 (paper, 6.2)", small("cifar10", 1000, 3e-3, 64, "cifar", "cifar", 32)},
		{"cifar100", "as cifar10", small("cifar100", 1000, 3e-3, 64, "cifar", "cifar", 32)},
		{"stl10", "ResNet-18, 2000 epochs, rate 2e-3, with the pictures without labels", func(c *Config) {
			small("stl10", 2000, 2e-3, 128, "stl", "stl10", 64)(c)
			c.Data.Unlabelled = true
		}},
		{"tiny-imagenet", "ResNet-18, 1000 epochs, rate 2e-3",
			small("tiny_imagenet", 1000, 2e-3, 128, "stl", "tiny-imagenet", 64)},
		{"imagenet-100", "ResNet-50, 1000 epochs, rate 2e-3, lambda 0.1 (1 of dcl and lmcl)", func(c *Config) {
			imagenet(c)
			c.Schedule.Epochs, c.Schedule.LR, c.Classes = 1000, 2e-3, datasets.ImageNet100
			if c.MSR.Lambda = 0.1; c.Method == "dcl" || c.Method == "lmcl" {
				c.MSR.Lambda = 1
			}
		}},
		{"imagenet", "ResNet-50, LARS, cosine, lambda 0.1", func(c *Config) {
			imagenet(c)
			c.BatchSize, c.Optimizer.Name, c.MSR.Lambda = 4096, "lars", 0.1
			c.Schedule.Kind, c.Schedule.LR, c.Schedule.Epochs = "cosine", 4.8, 1000
		}},
		// lightly's benchmark of SimCLR (docs/source/getting_started/benchmarks/cifar10_benchmark.py of
		// github.com/lightly-ai/lightly, results of March 2023): 84.8 % by 200 weighted neighbours, the best of
		// all epochs, batch 512, 200 epochs; `run eval --neighbours 200 --metric cosine --knn-temperature 0.1`.
		// Its rate is 6e-2 for 128 pictures, in proportion to the batch; its SimCLR augmentation has half the
		// strength of jitter and no blur. Different here: the head does not end in a batch norm, the crop is bicubic
		// and comes after the colours, pixels are normalised by CIFAR-10's mean, the cosine falls with each step and
		// not with each epoch.
		{"lightly-cifar10", "SimCLR of lightly's CIFAR-10 benchmark: ResNet-18, SGD, batch 512, 200 epochs", func(c *Config) {
			small("cifar10", 200, 6e-2, 128, "cifar", "cifar", 32)(c)
			c.Optimizer = nets.OptimizerConfig{Name: "sgd", Momentum: 0.9, WeightDecay: 5e-4}
			c.BatchSize, c.ScaleLR, c.Schedule.Kind, c.Schedule.Warmup = 512, 128, "cosine", 0
			c.MethodConfig.Hidden, c.MethodConfig.Temperature = 512, 0.5
			c.MSR.Alpha = 3e-3 // the fast weights keep the paper's rate
			c.AugmentOptions = map[string]float64{"crop-min": 0.08, "gray": 0.2}
		}},
		{"cpu", "small network and few epochs, for a try without a GPU", func(c *Config) {
			c.Arch, c.Width, c.BatchSize = "resnet8", 0.25, 128
			c.Schedule.Epochs, c.Schedule.Warmup, c.Schedule.Drops = 10, 50, []int{2}
			c.MethodConfig.Hidden, c.MSRNet.Width = 256, 0.5
		}},
	}
}

// StartFrom is the preset over the method's recipe over the defaults.
func StartFrom(method, presetName string) (Config, error) {
	c := Default()
	c.Method = method
	r := methods.RecipeOf(method)
	c.MSR.Lambda, c.MSR.Gamma, c.MethodConfig.Temperature = r.Lambda, r.Gamma, r.Temperature
	if presetName == "" {
		return c, nil
	}
	q, err := FindPreset(presetName)
	if err != nil {
		return c, err
	}
	q.Apply(&c)
	return c, nil
}

// FindPreset is the preset of a name.
func FindPreset(name string) (Preset, error) {
	var names []string
	for _, q := range Presets() {
		if q.Name == name {
			return q, nil
		}
		names = append(names, q.Name)
	}
	return Preset{}, usage.Wrap(suggest.Unknown("preset", name, names))
}
