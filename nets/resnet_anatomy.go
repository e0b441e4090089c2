package nets

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// resNetShape is what the names and shapes of a file's tensors tell of a ResNet.
type resNetShape struct {
	blocks     []int // of each stage
	bottleneck bool
	width      int64    // channels that the first block takes: 64 in the paper
	channels   int64    // of a picture; 0: unknown
	kernel     int64    // of the first convolution, at its first layer; 0: unknown
	stem       int      // convolutions before the first block; 0: unknown names
	groups     int64    // of a block's 3x3 convolution; 1 in the paper
	inner      int64    // channels of the first block's 3x3 convolution
	unlike     []string // what its blocks have, and a ResNet's lack
}

// resNetAnatomy tells which ResNet has tensors of these shapes.
func resNetAnatomy(shapes map[string][]int64) (Anatomy, error) {
	r, err := resNetShapeOf(shapes)
	if err != nil {
		return Anatomy{}, err
	}
	out := Anatomy{
		Text:           r.String(),
		BackboneConfig: BackboneConfig{Width: float64(r.width) / 64, Stem: StemCIFAR},
		Stems:          []Stem{StemCIFAR, StemSTL}, // they differ only in a pooling
		Channels:       r.channels,
		First:          "conv1.weight",
		PartOf:         r.partOf,
	}
	if r.kernel == 7 || r.stem > 1 { // deep stems are those of pictures of 224 pixels
		out.Stem, out.Stems = StemImageNet, []Stem{StemImageNet}
	}
	if a, ok := findResNet(func(a resNetArch) bool { return r.hasBlocksOf(a) }); ok {
		out.Arch = a.name
	}
	return out, nil
}

func resNetShapeOf(shapes map[string][]int64) (resNetShape, error) {
	r := resNetShape{blocks: blocksIn(shapes), groups: 1}
	first := shapes["layer1.0.conv1.weight"]
	if len(first) != 4 {
		return r, fmt.Errorf("layer1.0.conv1.weight of shape %v is no convolution", first)
	}
	_, r.bottleneck = shapes["layer1.0.conv3.weight"]
	r.width, r.inner = first[1], first[0]
	if second := shapes["layer1.0.conv2.weight"]; len(second) == 4 && second[1] > 0 {
		r.inner = second[0]
		r.groups = max(1, first[0]/second[1])
	}
	r.lookAtStem(shapes)
	r.compareBlocks(shapes)
	return r, nil
}

func (r resNetShape) hasBlocksOf(a resNetArch) bool {
	same := func(n int64, m int) bool { return int(n) == m }
	return a.bottleneck == r.bottleneck && slices.EqualFunc(a.blocks, r.blocks, same)
}

// partOf reports whether its blocks are the first ones of each stage of an architecture.
func (r resNetShape) partOf(arch string) bool {
	a, ok := findResNet(func(a resNetArch) bool { return a.name == arch })
	if !ok || !r.plain() || a.bottleneck != r.bottleneck || len(r.blocks) > len(a.blocks) {
		return false
	}
	for stage, n := range r.blocks {
		if int64(n) > a.blocks[stage] {
			return false
		}
	}
	return true
}

var blockName = regexp.MustCompile(`^layer(\d{1,3})\.(\d{1,4})\.`)

// blocksIn counts the blocks of each stage.
func blocksIn(shapes map[string][]int64) (out []int) {
	for name := range shapes {
		m := blockName.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		stage, _ := strconv.Atoi(m[1]) // digits
		block, _ := strconv.Atoi(m[2])
		for len(out) < stage {
			out = append(out, 0)
		}
		if stage > 0 {
			out[stage-1] = max(out[stage-1], block+1)
		}
	}
	return out
}

// lookAtStem looks at the layers before the first block: one convolution, or several.
func (r *resNetShape) lookAtStem(shapes map[string][]int64) {
	if conv := shapes["conv1.weight"]; len(conv) == 4 {
		r.stem, r.channels, r.kernel = 1, conv[1], conv[2]
		return
	}
	for _, name := range []string{"conv1.0.weight", "conv1.3.weight", "conv1.6.weight"} {
		if conv := shapes[name]; len(conv) == 4 {
			if r.stem++; r.stem == 1 {
				r.channels, r.kernel = conv[1], conv[2]
			}
		}
	}
}

// compareBlocks looks for what the blocks of other networks have.
func (r *resNetShape) compareBlocks(shapes map[string][]int64) {
	const pruned = "pruned weights: torch.nn.utils.prune.remove(module, name) makes them plain"
	has := func(part string) bool {
		for name := range shapes {
			if strings.Contains(name, part) {
				return true
			}
		}
		return false
	}
	for _, x := range []struct{ part, what string }{
		{".se.", "squeeze and excitation"}, {".bn4.", "a fourth norm"}, {".attn", "attention"},
		{".conv1.bias", "biases of convolutions"}, {".gn1.", "group norms"},
		{".downsample.2.", "pooling in the downsamples, as in ResNet-D"}, {"weight_orig", pruned},
	} {
		if has(x.part) {
			r.unlike = append(r.unlike, x.what)
		}
	}
	if !has("bn1.running_mean") {
		r.unlike = append(r.unlike, "no running statistics of batch norms")
	}
}

// depth is the number in a ResNet's name.
func (r resNetShape) depth() int {
	n := 0
	for _, b := range r.blocks {
		n += b
	}
	if r.bottleneck {
		return 3*n + 2
	}
	return 2*n + 2
}

// wide is the factor of the width inside of blocks: 2 for wide_resnet50_2.
func (r resNetShape) wide() float64 {
	if r.width == 0 || r.groups > 1 {
		return 1
	}
	return float64(r.inner) / float64(r.width)
}

// plain reports whether its blocks are those of the paper's ResNets.
func (r resNetShape) plain() bool { return r.groups == 1 && r.wide() == 1 }

// String names the network, and says how it differs from the paper's.
func (r resNetShape) String() string {
	kind := "basic"
	if r.bottleneck {
		kind = "bottleneck"
	}
	blocks := strings.Trim(strings.ReplaceAll(fmt.Sprint(r.blocks), " ", ", "), "[]")
	name, unlike := "ResNet", []string{}
	switch {
	case r.groups > 1:
		name = "ResNeXt"
		unlike = append(unlike, fmt.Sprintf("%d groups of %d channels", r.groups, r.inner/r.groups))
	case r.wide() != 1:
		name = "Wide ResNet"
		unlike = append(unlike, fmt.Sprintf("blocks %g times as wide", r.wide()))
	}
	if r.stem > 1 {
		unlike = append(unlike, fmt.Sprintf("a deep stem of %d convolutions", r.stem))
	}
	if r.stem == 0 {
		unlike = append(unlike, "a stem of other names")
	}
	if r.channels != 3 && r.channels != 0 {
		unlike = append(unlike, fmt.Sprintf("a first convolution of %d-channel pictures", r.channels))
	}
	if r.stem == 1 && r.kernel != 3 && r.kernel != 7 {
		unlike = append(unlike, fmt.Sprintf("a %dx%d stem", r.kernel, r.kernel))
	}
	unlike = append(unlike, r.unlike...)
	out := fmt.Sprintf("%s-%d (%s blocks %s)", name, r.depth(), kind, blocks)
	if len(unlike) > 0 {
		out += " with " + strings.Join(slices.Compact(unlike), ", ")
	}
	return out
}
