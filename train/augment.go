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

// augmentOptions are the numbers of the strong view's pipeline that users may change.
func augmentOptions() suggest.Table[func(p *transforms.Pipeline) *float64] {
	return suggest.Table[func(p *transforms.Pipeline) *float64]{
		{Name: "crop-min", Is: func(p *transforms.Pipeline) *float64 { return &p.Scale[0] }},
		{Name: "crop-max", Is: func(p *transforms.Pipeline) *float64 { return &p.Scale[1] }},
		{Name: "jitter", Is: func(p *transforms.Pipeline) *float64 { return &p.JitterP }},
		{Name: "brightness", Is: func(p *transforms.Pipeline) *float64 { return &p.Jitter.Brightness }},
		{Name: "contrast", Is: func(p *transforms.Pipeline) *float64 { return &p.Jitter.Contrast }},
		{Name: "saturation", Is: func(p *transforms.Pipeline) *float64 { return &p.Jitter.Saturation }},
		{Name: "hue", Is: func(p *transforms.Pipeline) *float64 { return &p.Jitter.Hue }},
		{Name: "gray", Is: func(p *transforms.Pipeline) *float64 { return &p.GrayP }},
		{Name: "flip", Is: func(p *transforms.Pipeline) *float64 { return &p.FlipP }},
		{Name: "blur", Is: func(p *transforms.Pipeline) *float64 { return &p.BlurP }},
		{Name: "solarize", Is: func(p *transforms.Pipeline) *float64 { return &p.SolarizeP }},
	}
}

// AugmentOptionNames lists what Config.AugmentOptions may name.
func AugmentOptionNames() []string { return augmentOptions().Names() }

// changeAugmentation sets the numbers of p that changes names.
func changeAugmentation(p *transforms.Pipeline, changes map[string]float64) error {
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		number, err := augmentOptions().Find("{train.AugmentOptions}", name)
		if err != nil {
			return err
		}
		*number(p) = changes[name]
	}
	if p.BlurP > 0 && p.BlurKernel == 0 { // p had no blur: use SimCLR's kernel (arXiv 2002.05709), a tenth of the picture
		p.BlurKernel, p.BlurSigma = max(3, p.Size/20*2+1), [2]float64{0.1, 2}
	}
	return nil
}

// augmentations are the values of Config.Augment.
func augmentations() suggest.Table[func() transforms.Preset] {
	return suggest.Table[func() transforms.Preset]{
		{Name: "cifar", Is: transforms.CIFAR},
		{Name: "cifar100", Is: transforms.CIFAR100},
		{Name: "stl10", Is: transforms.STL10},
		{Name: "tiny-imagenet", Is: transforms.TinyImageNet},
		{Name: "imagenet", Is: transforms.ImageNet},
	}
}

// Augmentation returns the pipelines of c's data set, in the colour space that the method works in.
func (c *Config) Augmentation() (transforms.Preset, error) {
	method, err := c.method(0)
	if err != nil {
		return transforms.Preset{}, err
	}
	build, err := augmentations().Find("augmentation", c.Augment)
	if err != nil {
		return transforms.Preset{}, usage.Wrap(err)
	}
	p := build().WithSize(c.Size)
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
