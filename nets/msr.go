package nets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
)

// MSRConfig describes f_msr, the network of the meta semantic regularizer (arXiv 2206.14702, section 4.1). It maps the
// un-augmented picture to n weight vectors of c entries.
type MSRConfig struct {
	Trunk string  `yaml:"msr-trunk"` // "conv4", or a backbone's name
	Width float64 `yaml:"msr-width"` // factor of the trunk's channels
	Stem  Stem    `yaml:"-"`         // of a backbone trunk
	N     int64   `yaml:"-"`         // number of weight vectors, n
	C     int64   `yaml:"-"`         // entries of each, c
}

// MSR is f_msr: it maps pictures [B, 3, H, W] to weights A [B, n, c] in (0, 1) by a pooled trunk, a linear layer and a
// sigmoid.
type MSR struct {
	*Sequential // all but the sigmoid
	n, c        int64
}

// NewMSR builds f_msr.
func NewMSR(cfg MSRConfig) (*MSR, error) {
	if cfg.N < 1 || cfg.C < 1 {
		return nil, fmt.Errorf("f_msr with %d weight vectors of %d entries; want 1 or more of each", cfg.N, cfg.C)
	}
	trunk, err := msrTrunk(cfg)
	if err != nil {
		return nil, err
	}
	return &MSR{Named(Child{"trunk", trunk}, Child{"out", Linear(trunk.Dim(), cfg.N*cfg.C)}), cfg.N, cfg.C}, nil
}

func msrTrunk(cfg MSRConfig) (Encoder, error) {
	if cfg.Trunk == "conv4" {
		return conv4(max(1, int64(32*cfg.Width))), nil
	}
	if _, ok := FamilyOf(cfg.Trunk); !ok {
		return nil, field.Errorf("{nets.MSRConfig.Trunk} %q is unknown; known: %s", cfg.Trunk, MSRTrunks())
	}
	trunk, err := NewBackbone(cfg.Trunk, cfg.Stem, cfg.Width)
	if err != nil {
		return nil, field.Errorf("{nets.MSRConfig.Trunk} %s of {nets.MSRConfig.Width} %g: %s", cfg.Trunk, cfg.Width, err)
	}
	return trunk, nil
}

// MSRTrunks returns the names that MSRConfig.Trunk takes.
func MSRTrunks() string { return "conv4, " + strings.Join(Arches(), ", ") }

// NewMSRWith builds f_msr from a network of the caller's that maps each picture to n*c numbers. The sigmoid is added.
func NewMSRWith(trunk Network, n, c int64) *MSR {
	return &MSR{Named(Child{"", trunk}), n, c}
}

// Forward maps pictures x [B, 3, H, W] to A [B, n, c].
func (f *MSR) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	return f.weights(s, f.Sequential.Forward(s, p, b, x, m))
}

// weights maps the outputs [B, n*c] of all but the sigmoid to A.
func (f *MSR) weights(s *torch.Scope, y torch.Tensor) torch.Tensor {
	return s.Sigmoid(s.Reshape(y, -1, f.n, f.c))
}

// Stages implements Staged.
func (f *MSR) Stages() []Network { return append(slices.Clone(f.stages), function("", f.weights)) }

// Shape returns n and c.
func (f *MSR) Shape() (n, c int64) { return f.n, f.c }

// conv4 is four 3x3 convolutions of stride 2, each with batch norm and ReLU, and a global pooling. Their channels
// double, beginning with w. It is small beside any backbone.
func conv4(w int64) Encoder {
	var parts []Network
	in := int64(3)
	for i := range 4 {
		out := w << i
		parts = append(parts, &unit{convNorm{"conv", "bn", in, out, 3, 2, 1}})
		in = out
	}
	return head{Seq(append(parts, GlobalAvgPool())...), in}
}

// unit is a convNorm with ReLU as a network of its own.
type unit struct{ convNorm }

func (u *unit) Params() []Spec  { return u.params() }
func (u *unit) Buffers() []Spec { return u.buffers() }
func (u *unit) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	return u.forward(s, p, b, x, torch.Tensor{}, true, m)
}
