package torch

// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// results runs a C call that fills n results.
func (s *Scope) results(name string, n int, call func(out *C.icl_tensor) C.icl_error) []Tensor {
	out := make([]Tensor, n)
	if s.err != nil || n == 0 {
		return out
	}
	p, _ := handles(out)
	s.do(name, func() C.icl_error { return call(p) })
	for i := range out {
		s.own(out[i].c)
	}
	return out
}

// sameLength fails the scope unless all lists have n entries.
func (s *Scope) sameLength(name string, n int, others ...[]Tensor) bool {
	for _, o := range others {
		if len(o) != n {
			s.Fail(fmt.Errorf("torch: %s: lists of %d and %d tensors", name, n, len(o)))
		}
	}
	return s.err == nil
}

// AddScaled returns x + a*y, tensor by tensor. If y[i] is nil the result is x[i].
func (s *Scope) AddScaled(x, y []Tensor, a float64) []Tensor {
	if !s.sameLength("add scaled", len(x), y) {
		return make([]Tensor, len(x))
	}
	return s.results("add scaled", len(x), func(out *C.icl_tensor) C.icl_error {
		px, n := handles(x)
		py, _ := handles(y)
		return C.icl_list_axpy(out, px, py, C.double(a), n)
	})
}

// AddScaledBy is AddScaled with a scalar tensor a, which the host does not read.
func (s *Scope) AddScaledBy(x, y []Tensor, a Tensor) []Tensor {
	if !s.sameLength("add scaled", len(x), y) {
		return make([]Tensor, len(x))
	}
	return s.results("add scaled", len(x), func(out *C.icl_tensor) C.icl_error {
		px, n := handles(x)
		py, _ := handles(y)
		return C.icl_list_axpy_by(out, px, py, a.c, n)
	})
}

// Dot returns the inner product of two lists, summed in float64. A nil tensor counts as zero. Dot waits for the device.
func (s *Scope) Dot(x, y []Tensor) float64 { return s.Item(s.DotTensor(x, y)) }

// DotTensor is Dot as a float64 scalar on the device of the lists.
func (s *Scope) DotTensor(x, y []Tensor) Tensor {
	if !s.sameLength("dot", len(x), y) {
		return Tensor{}
	}
	return s.op("dot", func(out *C.icl_tensor) C.icl_error {
		px, n := handles(x)
		py, _ := handles(y)
		return C.icl_list_dot(out, px, py, n)
	})
}

// Norm is the Euclidean norm of a list taken as one vector: a float64 scalar on the device of the list.
func (s *Scope) Norm(xs []Tensor) Tensor { return s.Sqrt(s.DotTensor(xs, xs)) }

// Lerp moves x towards y in place, outside of any graph: x += w (y - x).
func (s *Scope) Lerp(x, y []Tensor, w float64) {
	if s.sameLength("lerp", len(x), y) {
		s.do("lerp", func() C.icl_error {
			px, n := handles(x)
			py, _ := handles(y)
			return C.icl_list_lerp_(px, py, C.double(w), n)
		})
	}
}

// AddAll adds y to x in place, outside of any graph. A nil tensor of y counts as zero.
func (s *Scope) AddAll(x, y []Tensor) {
	if s.sameLength("add all", len(x), y) {
		s.do("add all", func() C.icl_error {
			px, n := handles(x)
			py, _ := handles(y)
			return C.icl_list_add_(px, py, n)
		})
	}
}

// AdamOptions are the constants of one Adam update.
type AdamOptions struct {
	Step                               int64 // 1 for the first update
	LR, Beta1, Beta2, Eps, WeightDecay float64
}

// Adam updates parameters p and moments m, v in place from gradients g, as torch.optim.Adam does: weight decay is added
// to the gradient (Kingma and Ba, arXiv:1412.6980). A parameter whose gradient is nil does not change.
func (s *Scope) Adam(p, g, m, v []Tensor, o AdamOptions) {
	if s.sameLength("adam", len(p), g, m, v) {
		s.do("adam", func() C.icl_error {
			pp, n := handles(p)
			pg, _ := handles(g)
			pm, _ := handles(m)
			pv, _ := handles(v)
			return C.icl_adam_(pp, pg, pm, pv, n, C.int64_t(o.Step), C.double(o.LR), C.double(o.Beta1), C.double(o.Beta2),
				C.double(o.Eps), C.double(o.WeightDecay))
		})
	}
}

// SGDOptions are the constants of one SGD update.
type SGDOptions struct {
	First        bool // no update came before: the momentum buffers hold nothing yet
	LR, Momentum float64
	Nesterov     bool
	WeightDecay  []float64 // one for each parameter
}

// SGD updates parameters p and momentum buffers m in place from gradients g, as torch.optim.SGD does without dampening.
func (s *Scope) SGD(p, g, m []Tensor, o SGDOptions) {
	if s.sameLength("sgd", len(p), g, m, make([]Tensor, len(o.WeightDecay))) {
		s.do("sgd", func() C.icl_error {
			pp, n := handles(p)
			pg, _ := handles(g)
			pm, _ := handles(m)
			return C.icl_sgd_(pp, pg, pm, n, flag(o.First), C.double(o.LR), C.double(o.Momentum), flag(o.Nesterov),
				(*C.double)(unsafe.SliceData(o.WeightDecay)))
		})
	}
}

// LARSOptions are the constants of one LARS update.
type LARSOptions struct {
	LR, Momentum, Trust float64
	WeightDecay         []float64 // one for each parameter
	Adapt               []bool    // whether the rate of a parameter is adapted
}

// LARS updates parameters p and momentum buffers m in place from gradients g: m = momentum*m + q (g + wd*p), p -= lr*m.
// q is trust*|p|/|g + wd*p| for a parameter whose rate is adapted, else 1 (You et al., arXiv:1708.03888, as SimCLR's
// code applies it).
func (s *Scope) LARS(p, g, m []Tensor, o LARSOptions) {
	if s.sameLength("lars", len(p), g, m, make([]Tensor, len(o.WeightDecay)), make([]Tensor, len(o.Adapt))) {
		s.do("lars", func() C.icl_error {
			pp, n := handles(p)
			pg, _ := handles(g)
			pm, _ := handles(m)
			return C.icl_lars_(pp, pg, pm, n, C.double(o.LR), C.double(o.Momentum), C.double(o.Trust),
				(*C.double)(unsafe.SliceData(o.WeightDecay)), (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(o.Adapt))))
		})
	}
}
