package train

import (
	"fmt"
	"maps"
	"slices"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/transforms"
)

// augmentOption is a number of the strong view's pipeline, under the name that users give.
type augmentOption struct {
	name string
	of   func(p *transforms.Pipeline) *float64
}

func augmentOptions() []augmentOption {
	return []augmentOption{
		{"crop-min", func(p *transforms.Pipeline) *float64 { return &p.Scale[0] }},
		{"crop-max", func(p *transforms.Pipeline) *float64 { return &p.Scale[1] }},
		{"jitter", func(p *transforms.Pipeline) *float64 { return &p.JitterP }},
		{"brightness", func(p *transforms.Pipeline) *float64 { return &p.Jitter.Brightness }},
		{"contrast", func(p *transforms.Pipeline) *float64 { return &p.Jitter.Contrast }},
		{"saturation", func(p *transforms.Pipeline) *float64 { return &p.Jitter.Saturation }},
		{"hue", func(p *transforms.Pipeline) *float64 { return &p.Jitter.Hue }},
		{"gray", func(p *transforms.Pipeline) *float64 { return &p.GrayP }},
		{"flip", func(p *transforms.Pipeline) *float64 { return &p.FlipP }},
		{"blur", func(p *transforms.Pipeline) *float64 { return &p.BlurP }},
		{"solarize", func(p *transforms.Pipeline) *float64 { return &p.SolarizeP }},
	}
}

// AugmentOptionNames lists what Config.AugmentOptions may name.
func AugmentOptionNames() (names []string) {
	for _, o := range augmentOptions() {
		names = append(names, o.name)
	}
	return names
}

// changeAugmentation sets the numbers of p that changes names.
func changeAugmentation(p *transforms.Pipeline, changes map[string]float64) error {
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		k := slices.IndexFunc(augmentOptions(), func(a augmentOption) bool { return a.name == name })
		if k < 0 {
			return suggest.Unknown("{train.AugmentOptions}", name, AugmentOptionNames())
		}
		*augmentOptions()[k].of(p) = changes[name]
	}
	if p.BlurP > 0 && p.BlurKernel == 0 { // p had no blur: use SimCLR's kernel (arXiv 2002.05709), a tenth of the picture
		p.BlurKernel, p.BlurSigma = max(3, p.Size/20*2+1), [2]float64{0.1, 2}
	}
	return nil
}

// Augmentation returns the pipelines of c's data set, in the colour space that the method works in.
func (c *Config) Augmentation() (transforms.Preset, error) {
	method, err := c.method(0)
	if err != nil {
		return transforms.Preset{}, err
	}
	table := []struct {
		name  string
		build func() transforms.Preset
	}{
		{"cifar", transforms.CIFAR},
		{"cifar100", transforms.CIFAR100},
		{"stl10", transforms.STL10},
		{"tiny-imagenet", transforms.TinyImageNet},
		{"imagenet", transforms.ImageNet},
	}
	var names []string
	for _, e := range table {
		if e.name == c.Augment {
			p := e.build().WithSize(c.Size)
			if err := changeAugmentation(&p.View, c.AugmentOptions); err != nil {
				return p, usage.Wrap(err)
			}
			if slices.Contains(method.Views(), model.Lab) {
				p = p.Lab()
			}
			if err := p.View.Validate(); err != nil {
				return p, usage.Wrap(err)
			}
			return p, nil
		}
		names = append(names, e.name)
	}
	return transforms.Preset{}, usage.Wrap(suggest.Unknown("augmentation", c.Augment, names))
}

// view returns the pipeline of a kind of view.
func view(aug transforms.Preset, v model.View) (transforms.Pipeline, error) {
	switch v {
	case model.Strong:
		return aug.View, nil
	case model.Weak:
		return aug.Weak(), nil
	case model.Small:
		return aug.Small(), nil
	case model.Rand:
		return aug.InfoMin(), nil
	case model.Lab:
		return aug.View, nil // Config.Augmentation has put the whole preset in Lab
	}
	return transforms.Pipeline{}, fmt.Errorf("a view of unknown kind %q", v)
}
