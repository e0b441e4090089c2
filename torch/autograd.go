package torch

// #include "internal/shim/shim.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
)

// SetRequiresGrad sets whether tensors are leaves whose gradients can be computed.
func (s *Scope) SetRequiresGrad(on bool, ts ...Tensor) {
	for _, t := range ts {
		s.do("set requires grad", func() C.icl_error { return C.icl_set_requires_grad(t.c, flag(on)) })
	}
}

// Leaves returns detached aliases of ts that require grad: leaves of a new graph with the same memory.
func (s *Scope) Leaves(ts []Tensor) []Tensor {
	out := make([]Tensor, len(ts))
	for i, t := range ts {
		out[i] = s.Detach(t)
	}
	s.SetRequiresGrad(true, out...)
	return out
}

// DetachAll returns ts detached from the graph. A nil tensor stays nil.
func (s *Scope) DetachAll(ts []Tensor) []Tensor {
	out := make([]Tensor, len(ts))
	for i, t := range ts {
		if t.Defined() {
			out[i] = s.Detach(t)
		}
	}
	return out
}

// GradOptions say how Grad treats the graph.
type GradOptions struct {
	Seeds       []Tensor // gradients of the outputs; nil: the outputs are scalars
	RetainGraph bool     // keep the graph for another Grad
	CreateGraph bool     // the gradients themselves can be differentiated
	AllowUnused bool     // the gradient is nil for an input that the outputs do not depend on
}

// Grad returns the gradient of the sum of outputs with respect to each input (torch.autograd.grad).
func (s *Scope) Grad(outputs, inputs []Tensor, o GradOptions) []Tensor {
	if s.err == nil && len(outputs) == 0 {
		s.Fail(errors.New("torch: grad of no output"))
	}
	if o.Seeds != nil && !s.sameLength("grad", len(outputs), o.Seeds) {
		return make([]Tensor, len(inputs))
	}
	return s.results("grad", len(inputs), func(out *C.icl_tensor) C.icl_error {
		po, no := handles(outputs)
		pi, ni := handles(inputs)
		var seeds *C.icl_tensor
		if o.Seeds != nil {
			seeds, _ = handles(o.Seeds)
		}
		return C.icl_grad(out, po, no, pi, ni, seeds, flag(o.RetainGraph || o.CreateGraph), flag(o.CreateGraph),
			flag(o.AllowUnused))
	})
}

// GradEnabled reports whether operations on this OS thread record a graph.
func GradEnabled() bool { return C.icl_grad_enabled() != 0 }

// SetGrad turns the recording of graphs on or off and returns a function that restores the earlier mode. Calls nest.
// The mode belongs to the OS thread, so the goroutine holds its thread until it is restored.
//
//	defer torch.SetGrad(false)()
func SetGrad(on bool) (restore func()) {
	runtime.LockOSThread()
	was := C.icl_grad_enabled()
	C.icl_set_grad_enabled(flag(on))
	return func() {
		C.icl_set_grad_enabled(was)
		runtime.UnlockOSThread()
	}
}

// NoGrad runs f without recording graphs.
func NoGrad(f func()) {
	defer SetGrad(false)()
	f()
}

// EnterDualLevel begins forward-mode differentiation on this OS thread. Levels do not nest: a second one is an error.
func EnterDualLevel() (level uint64, err error) {
	var l C.uint64_t
	err = toError(C.icl_enter_dual_level(&l), "enter dual level")
	return uint64(l), err
}

// ExitDualLevel ends forward-mode differentiation and drops all tangents.
func ExitDualLevel(level uint64) error {
	return toError(C.icl_exit_dual_level(C.uint64_t(level)), "exit dual level")
}

// MakeDual returns primal with a tangent.
func (s *Scope) MakeDual(primal, tangent Tensor, level uint64) Tensor {
	return s.op("make dual", func(out *C.icl_tensor) C.icl_error {
		return C.icl_make_dual(out, primal.c, tangent.c, C.uint64_t(level))
	})
}

// UnpackDual returns the two parts of a dual. The tangent is nil if dual has none.
func (s *Scope) UnpackDual(dual Tensor, level uint64) (primal, tangent Tensor) {
	if s.err != nil {
		return Tensor{}, Tensor{}
	}
	var p, t C.icl_tensor
	s.do("unpack dual", func() C.icl_error { return C.icl_unpack_dual(&p, &t, dual.c, C.uint64_t(level)) })
	return s.own(p), s.own(t)
}

// JVP returns f(x) and its derivative along v, in one forward pass (forward mode, without a graph). f gets duals in the
// order of x. If v[i] is nil, x[i] is a constant. A result that does not depend on the inputs has a zero tangent.
func (s *Scope) JVP(f func(x []Tensor) []Tensor, x, v []Tensor) (y, dy []Tensor) {
	if !s.sameLength("jvp", len(x), v) {
		return nil, nil
	}
	defer SetGrad(false)()
	level, err := EnterDualLevel()
	if err != nil {
		s.Fail(err)
		return nil, nil
	}
	defer func() {
		if err := ExitDualLevel(level); err != nil {
			s.Fail(fmt.Errorf("jvp: %w", err))
		}
	}()
	duals := make([]Tensor, len(x))
	for i := range x {
		duals[i] = x[i]
		if v[i].Defined() {
			duals[i] = s.MakeDual(x[i], v[i], level)
		}
	}
	for _, d := range f(duals) {
		p, t := s.UnpackDual(d, level)
		if !t.Defined() {
			t = s.ZerosLike(p)
		}
		y, dy = append(y, p), append(dy, t)
	}
	if s.err != nil {
		return nil, nil
	}
	return y, dy
}
