package nets

import (
	"fmt"
	"slices"
)

// resNets is the family of ResNets.
func resNets() Family {
	f := Family{
		Name: "ResNet",
		New:  newResNetOf,
		StateDict: StateDict{
			Mark:    "layer1.0.conv1.weight", // whatever its stem is
			Child:   resNetTop.MatchString,
			Rename:  resNetName,
			Others:  resNetNamings,
			Anatomy: resNetAnatomy,
		},
		Python: resNetPython,
	}
	for _, a := range resNetArches() {
		f.Arches = append(f.Arches, a.name)
	}
	return f
}

// resNetArch is a named ResNet.
type resNetArch struct {
	name       string
	blocks     []int64 // of each stage
	bottleneck bool
}

func resNetArches() []resNetArch {
	return []resNetArch{
		{"resnet8", []int64{1, 1, 1}, false},
		{"resnet10", []int64{1, 1, 1, 1}, false},
		{"resnet18", []int64{2, 2, 2, 2}, false},
		{"resnet34", []int64{3, 4, 6, 3}, false},
		{"resnet50", []int64{3, 4, 6, 3}, true},
	}
}

func findResNet(is func(a resNetArch) bool) (resNetArch, bool) {
	arches := resNetArches()
	i := slices.IndexFunc(arches, is)
	if i < 0 {
		return resNetArch{}, false
	}
	return arches[i], true
}

// newResNetOf builds a ResNet by name.
func newResNetOf(c BackboneConfig) (Encoder, error) {
	channels, err := scaled(64, c.Width)
	if err != nil {
		return nil, err
	}
	a, ok := findResNet(func(a resNetArch) bool { return a.name == c.Arch })
	if !ok {
		return nil, fmt.Errorf("nets: no ResNet %q", c.Arch)
	}
	return NewResNet(ResNetConfig{Blocks: a.blocks, Bottleneck: a.bottleneck, Width: channels, Stem: c.Stem})
}

// resNetPython makes the network of torchvision.
func resNetPython(c BackboneConfig) string {
	if c.Width != 1 || !slices.Contains([]string{"resnet18", "resnet34", "resnet50"}, c.Arch) {
		return ""
	}
	out := fmt.Sprintf("m = torchvision.models.%s()", c.Arch)
	if c.Stem != StemImageNet {
		out += "; m.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)"
	}
	if c.Stem == StemCIFAR {
		out += "; m.maxpool = torch.nn.Identity()"
	}
	return out
}
