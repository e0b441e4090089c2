package train

import (
	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/nets"
)

// Preset names settings of network, data set and picture size. If methods have recipes for the data set, the preset
// leaves the recipes' settings to them; other presets set more.
type Preset struct {
	Name, About string
	Apply       func(c *Config)
}

// Presets lists the presets.
func Presets() []Preset {
	small := func(name, stem, augment string, size int) func(*Config) {
		return func(c *Config) { c.Data.Name, c.Augment, c.Size, c.Stem = name, augment, size, stem }
	}
	imagenet := func(c *Config) {
		small("imagenet", "imagenet", "imagenet", 224)(c)
		c.Arch, c.MSR.Lambda = "resnet50", 0.1
	}
	return []Preset{
		{"cifar10", "ResNet-18 on CIFAR-10, and the method's recipe there", small("cifar10", "cifar", "cifar", 32)},
		{"cifar100", "as cifar10, on CIFAR-100", small("cifar100", "cifar", "cifar100", 32)},
		{"stl10", "ResNet-18 on STL-10 with the pictures without labels, 64 pixels, and the method's recipe there",
			func(c *Config) {
				small("stl10", "stl", "stl10", 64)(c)
				c.Data.Unlabelled = true
			}},
		{"tiny-imagenet", "ResNet-18 on Tiny ImageNet, 64 pixels, and the method's recipe there",
			small("tiny_imagenet", "stl", "tiny-imagenet", 64)},
		{"imagenet-100", "ResNet-50 on ImageNet-100, the method's recipe there, lambda 0.1 (1 of dcl and lmcl)",
			func(c *Config) {
				imagenet(c)
				if c.Classes = datasets.ImageNet100; c.Method == "dcl" || c.Method == "lmcl" {
					c.MSR.Lambda = 1
				}
			}},
		{"imagenet", "ResNet-50 on ImageNet, the method's recipe there, lambda 0.1", imagenet},
		{"coco", "ResNet-18 on COCO's pictures of one object, 224 pixels (--size 128 for less memory), for run toy",
			small("coco", "imagenet", "imagenet", 224)},
		// The source is lightly's benchmark of SimCLR (docs/source/getting_started/benchmarks/cifar10_benchmark.py of
		// github.com/lightly-ai/lightly, results of March 2023). It reports 84.8 % with 200 weighted neighbours, the
		// best of 200 epochs with batch 512. `run eval --neighbours 200 --metric cosine --knn-temperature 0.1`
		// evaluates in the same way. The rate is 6e-2 for 128 pictures, and grows with the batch. The augmentation is
		// SimCLR's with half the jitter and no blur. This preset differs: the head does not end in a batch norm, the
		// crop is bicubic and comes after the colours, pixels are normalised by CIFAR-10's mean, and the cosine falls
		// with each step, not with each epoch.
		{"lightly-cifar10", "SimCLR of lightly's CIFAR-10 benchmark: ResNet-18, SGD, batch 512, 200 epochs", func(c *Config) {
			small("cifar10", "cifar", "cifar", 32)(c)
			c.Schedule.Epochs, c.Schedule.LR, c.MethodConfig.Dim = 200, 6e-2, 128
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

// FindPreset returns the preset of a name. The error lists the known ones.
func FindPreset(name string) (Preset, error) {
	var table suggest.Table[Preset]
	for _, p := range Presets() {
		table = append(table, suggest.Row[Preset]{Name: p.Name, Is: p})
	}
	p, err := table.Find("preset", name)
	if err != nil {
		return p, usage.Wrap(err)
	}
	return p, nil
}
