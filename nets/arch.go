package nets

import (
	"fmt"
	"math"
	"strings"
)

// arches are the backbones by name: stages and block kind at width 1.
var arches = []struct {
	name       string
	blocks     []int64
	bottleneck bool
}{
	{"resnet8", []int64{1, 1, 1}, false},
	{"resnet10", []int64{1, 1, 1, 1}, false},
	{"resnet18", []int64{2, 2, 2, 2}, false},
	{"resnet34", []int64{3, 4, 6, 3}, false},
	{"resnet50", []int64{3, 4, 6, 3}, true},
}

// Arches returns the names that NewBackbone knows.
func Arches() []string {
	names := make([]string, len(arches))
	for i, a := range arches {
		names[i] = a.name
	}
	return names
}

// NewBackbone builds a backbone by name; width multiplies its channels (64 in
// the first stage at width 1).
func NewBackbone(name string, stem Stem, width float64) (*ResNet, error) {
	channels := int64(math.Round(64 * width))
	if !(width > 0) || channels < 1 || channels > 4096 {
		return nil, fmt.Errorf("width factor %g gives %d channels in the first stage; use 0.125 to 4", width, channels)
	}
	for _, a := range arches {
		if a.name == name {
			return NewResNet(ResNetConfig{Blocks: a.blocks, Bottleneck: a.bottleneck, Width: channels, Stem: stem})
		}
	}
	return nil, fmt.Errorf("unknown architecture %q; known: %s", name, strings.Join(Arches(), ", "))
}
