package torchscript

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ResNet is what names and shapes of a file's tensors tell of a network.
type ResNet struct {
	Blocks     []int // of each stage
	Bottleneck bool
	Width      int64    // channels that the first block takes: 64 in the paper
	Channels   int64    // of a picture; 0: unknown
	Kernel     int64    // of the first convolution, at its first layer; 0: unknown
	Stem       int      // convolutions before the first block; 0: unknown names
	Groups     int64    // of a block's 3x3 convolution; 1 in the paper
	Inner      int64    // channels of the first block's 3x3 convolution
	Beside     []string // what its blocks have that a ResNet's have not
}

// Anatomy looks at the ResNet that a layout found.
func Anatomy(w *Weights, l Layout) (ResNet, error) {
	shapes := map[string][]int64{}
	for _, t := range w.Groups[l.Group].Tensors {
		name, ok := l.Torchvision(t.Name)
		if !ok || !ofResNet.MatchString(name) {
			continue
		}
		if t.Err != nil {
			return ResNet{}, fmt.Errorf("%s: %s: %w", w.Path, t.Name, t.Err)
		}
		shapes[name] = t.Shape
	}
	r := ResNet{Blocks: blocksIn(shapes), Groups: 1}
	first := shapes["layer1.0.conv1.weight"]
	if len(first) != 4 {
		return r, fmt.Errorf("%s: layer1.0.conv1.weight of shape %v is no convolution", w.Path, first)
	}
	_, r.Bottleneck = shapes["layer1.0.conv3.weight"]
	r.Width, r.Inner = first[1], first[0]
	if second := shapes["layer1.0.conv2.weight"]; len(second) == 4 && second[1] > 0 {
		r.Inner = second[0]
		r.Groups = max(1, first[0]/second[1])
	}
	r.stem(shapes)
	r.beside(shapes)
	return r, nil
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

// stem looks at the layers before the first block: one convolution, or several.
func (r *ResNet) stem(shapes map[string][]int64) {
	if conv := shapes["conv1.weight"]; len(conv) == 4 {
		r.Stem, r.Channels, r.Kernel = 1, conv[1], conv[2]
		return
	}
	for _, name := range []string{"conv1.0.weight", "conv1.3.weight", "conv1.6.weight"} {
		if conv := shapes[name]; len(conv) == 4 {
			if r.Stem++; r.Stem == 1 {
				r.Channels, r.Kernel = conv[1], conv[2]
			}
		}
	}
}

func (r *ResNet) beside(shapes map[string][]int64) {
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
			r.Beside = append(r.Beside, x.what)
		}
	}
	if !has("bn1.running_mean") {
		r.Beside = append(r.Beside, "no running statistics of batch norms")
	}
}

// Depth is the number that a ResNet is called by.
func (r ResNet) Depth() int {
	n := 0
	for _, b := range r.Blocks {
		n += b
	}
	if r.Bottleneck {
		return 3*n + 2
	}
	return 2*n + 2
}

// Wide is the factor of the width inside of blocks: 2 of wide_resnet50_2.
func (r ResNet) Wide() float64 {
	if r.Width == 0 || r.Groups > 1 {
		return 1
	}
	return float64(r.Inner) / float64(r.Width)
}

// Plain reports whether its blocks are those of the paper's ResNets.
func (r ResNet) Plain() bool { return r.Groups == 1 && r.Wide() == 1 }

// String names it, with what is unlike the paper's.
func (r ResNet) String() string {
	kind := "basic"
	if r.Bottleneck {
		kind = "bottleneck"
	}
	blocks := strings.Trim(strings.ReplaceAll(fmt.Sprint(r.Blocks), " ", ", "), "[]")
	name, unlike := "ResNet", []string{}
	switch {
	case r.Groups > 1:
		name = "ResNeXt"
		unlike = append(unlike, fmt.Sprintf("%d groups of %d channels", r.Groups, r.Inner/r.Groups))
	case r.Wide() != 1:
		name = "Wide ResNet"
		unlike = append(unlike, fmt.Sprintf("blocks %g times as wide", r.Wide()))
	}
	if r.Stem > 1 {
		unlike = append(unlike, fmt.Sprintf("a deep stem of %d convolutions", r.Stem))
	}
	if r.Stem == 0 {
		unlike = append(unlike, "a stem of other names")
	}
	if r.Channels != 3 && r.Channels != 0 {
		unlike = append(unlike, fmt.Sprintf("a first convolution of %d-channel pictures", r.Channels))
	}
	if r.Stem == 1 && r.Kernel != 3 && r.Kernel != 7 {
		unlike = append(unlike, fmt.Sprintf("a %dx%d stem", r.Kernel, r.Kernel))
	}
	unlike = append(unlike, r.Beside...)
	out := fmt.Sprintf("%s-%d (%s blocks %s)", name, r.Depth(), kind, blocks)
	if len(unlike) > 0 {
		out += " with " + strings.Join(slices.Compact(unlike), ", ")
	}
	return out
}
