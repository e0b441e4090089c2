package nets

import (
	"fmt"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"

	"github.com/sugarme/gotch"
)

// Stem is a ResNet's first layers.
type Stem string

// The stems of the paper's data sets.
const (
	StemImageNet Stem = "imagenet" // 7x7 stride 2, max-pool: 224 pixels
	StemCIFAR    Stem = "cifar"    // 3x3 stride 1: 32 pixels
	StemSTL      Stem = "stl"      // 3x3 stride 1, max-pool: STL-10 and Tiny ImageNet
)

// kernel is the side of the first convolution.
func (s Stem) kernel() int64 {
	if s == StemImageNet {
		return 7
	}
	return 3
}

// ResNet is a residual network (He et al. 2015, arXiv 1512.03385) in torchvision's form, without the classifier. It
// maps pictures [N, 3, H, W] to pooled features [N, Dim].
type ResNet struct {
	stem            stem
	blocks          []block
	stages          []Network // stem, blocks, mean over the picture
	params, buffers []Spec
	dim             int64
	config          ResNetConfig
}

// block is a residual block: the main branch, and a downsample if the shape changes.
type block struct {
	name            string // of its module, as "layer1.0"
	units           []convNorm
	downsample      *convNorm
	params, buffers []Spec
}

// ResNetConfig describes a ResNet.
type ResNetConfig struct {
	Blocks     []int64 // blocks of each stage
	Bottleneck bool
	Width      int64 // channels of the first stage; 64 in the paper
	Channels   int64 // of a picture; 0 means 3
	Stem       Stem
}

// NewResNet builds the network that c describes.
func NewResNet(c ResNetConfig) (*ResNet, error) {
	r := &ResNet{config: c}
	if c.Channels == 0 {
		c.Channels = 3
	}
	switch c.Stem {
	case StemImageNet:
		r.stem = stem{convNorm{"conv1", "bn1", c.Channels, c.Width, 7, 2, 3}, true}
	case StemCIFAR:
		r.stem = stem{convNorm{"conv1", "bn1", c.Channels, c.Width, 3, 1, 1}, false}
	case StemSTL:
		r.stem = stem{convNorm{"conv1", "bn1", c.Channels, c.Width, 3, 1, 1}, true}
	default:
		return nil, field.Errorf("{nets.Stem} %q is unknown; use imagenet, cifar or stl", c.Stem)
	}
	if c.Width < 1 || c.Channels < 1 || len(c.Blocks) == 0 {
		return nil, fmt.Errorf("nets: a ResNet of width %d with %d stages", c.Width, len(c.Blocks))
	}
	r.params, r.buffers, r.stages = r.stem.Params(), r.stem.Buffers(), []Network{r.stem}
	in := c.Width
	for stage, n := range c.Blocks {
		width := c.Width << stage
		for i := range n {
			stride := int64(1)
			if stage > 0 && i == 0 {
				stride = 2
			}
			b, out := newBlock(in, width, stride, c.Bottleneck)
			b.name = fmt.Sprintf("layer%d.%d", stage+1, i)
			r.params = append(r.params, Prefix(b.name, b.Params())...)
			r.buffers = append(r.buffers, Prefix(b.name, b.Buffers())...)
			r.blocks, r.stages = append(r.blocks, b), append(r.stages, b)
			in = out
		}
	}
	r.dim, r.stages = in, append(r.stages, GlobalAvgPool())
	return r, nil
}

// stem is the first stage.
type stem struct {
	convNorm
	pool bool
}

func (u stem) Params() []Spec  { return u.params() }
func (u stem) Buffers() []Spec { return u.buffers() }
func (u stem) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	// Convolutions are faster with channels innermost. Those of float64 and second derivatives are not.
	if s.Like(x).DType != gotch.Double && !m.twice {
		x = s.ChannelsLast(x)
	}
	x = u.forward(s, p, b, x, torch.Tensor{}, true, m)
	if u.pool {
		x = s.MaxPool2d(x, 3, 2, 1)
	}
	return x
}

func newBlock(in, width, stride int64, bottleneck bool) (b block, out int64) {
	out = width
	if bottleneck {
		out = 4 * width
		b.units = []convNorm{{"conv1", "bn1", in, width, 1, 1, 0}, {"conv2", "bn2", width, width, 3, stride, 1},
			{"conv3", "bn3", width, out, 1, 1, 0}}
	} else {
		b.units = []convNorm{{"conv1", "bn1", in, width, 3, stride, 1}, {"conv2", "bn2", width, width, 3, 1, 1}}
	}
	if stride != 1 || in != out {
		b.downsample = &convNorm{"downsample.0", "downsample.1", in, out, 1, stride, 0}
	}
	for _, u := range b.all() {
		b.params, b.buffers = append(b.params, u.params()...), append(b.buffers, u.buffers()...)
	}
	return b, out
}

// all returns the units in the order of their parameters.
func (b block) all() []convNorm {
	if b.downsample == nil {
		return b.units
	}
	return append(append([]convNorm(nil), b.units...), *b.downsample)
}

// Params implements Network.
func (b block) Params() []Spec { return b.params }

// Buffers implements Network.
func (b block) Buffers() []Spec { return b.buffers }

// Forward implements Network.
func (b block) Forward(s *torch.Scope, p, bufs []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	residual, n := x, len(b.units)
	if b.downsample != nil {
		residual = b.downsample.forward(s, p[3*n:], bufs[3*n:], x, torch.Tensor{}, false, m)
	}
	for i, u := range b.units {
		skip := torch.Tensor{}
		if i == n-1 {
			skip = residual
		}
		x = u.forward(s, p[3*i:], bufs[3*i:], x, skip, true, m)
	}
	return x
}

// Stages implements Staged: the stem, the blocks, the mean over the picture.
func (r *ResNet) Stages() []Network { return r.stages }

// Params implements Network.
func (r *ResNet) Params() []Spec { return r.params }

// Buffers implements Network.
func (r *ResNet) Buffers() []Spec { return r.buffers }

// Half implements Divisible.
func (r *ResNet) Half(channels int64) (Encoder, error) {
	c := r.config
	c.Width, c.Channels = c.Width/2, channels
	return NewResNet(c)
}

// Dim is the number of pooled features: 512 for ResNet-18, 2048 for ResNet-50.
func (r *ResNet) Dim() int64 { return r.dim }

// Forward implements Network.
func (r *ResNet) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	if !Check(s, "ResNet", r.params, p) || !Check(s, "ResNet's buffers", r.buffers, b) {
		return torch.Tensor{}
	}
	return inOrder(s, r.stages, p, b, x, m)
}
