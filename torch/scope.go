package torch

// #include <stdlib.h>
// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/sugarme/gotch/ts"

	_ "github.com/icl-msr/icl-msr/torch/internal/shim" // the C++ side
)

// Tensor is a handle to a LibTorch tensor. It belongs to the Scope that made it and is invalid once that scope is
// closed. The zero Tensor is the nil tensor.
type Tensor struct{ c C.icl_tensor }

// Defined reports whether t is not the nil tensor.
func (t Tensor) Defined() bool { return t.c != nil }

// Scope owns tensors. Operations are its methods, and Close frees all tensors that they made. A scope keeps the first
// error, as bufio.Writer does. After an error operations do nothing and return the nil tensor, so a step reads like its
// formulas and calls Err once at its end.
//
// Only one goroutine at a time may use a scope.
type Scope struct {
	owned []C.icl_tensor
	err   error
}

// NewScope returns an empty scope. Close it.
func NewScope() *Scope { return &Scope{} }

// Err returns the first error of any operation on the scope.
func (s *Scope) Err() error { return s.err }

// Fail records err as the scope's error unless it already has one. Code built on a scope reports wrong arguments with
// it, as LibTorch's errors are reported.
func (s *Scope) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Close frees all tensors of the scope and returns its error. The scope is then empty and may be used again.
func (s *Scope) Close() error {
	if n := len(s.owned); n > 0 {
		C.icl_free(&s.owned[0], C.int(n))
		clear(s.owned)
		s.owned = s.owned[:0]
	}
	err := s.err
	s.err = nil
	return err
}

// Free frees a tensor of the scope before the scope is closed, as a large one that is no longer needed. A tensor of
// another scope stays.
func (s *Scope) Free(t Tensor) {
	for i := len(s.owned) - 1; i >= 0 && t.Defined(); i-- {
		if s.owned[i] == t.c {
			C.icl_free(&s.owned[i], 1)
			s.owned = slices.Delete(s.owned, i, i+1)
			return
		}
	}
}

// Len returns the number of tensors the scope holds.
func (s *Scope) Len() int { return len(s.owned) }

// With runs f in a new scope, closes the scope, and returns the error of f or else that of the scope.
func With(f func(s *Scope) error) error {
	s := NewScope()
	err := f(s)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

// Within runs f in a new scope and closes it. An error of the new scope becomes the error of s. If s has failed already
// f does not run.
func (s *Scope) Within(f func(t *Scope)) {
	if s.err != nil {
		return
	}
	t := NewScope()
	f(t)
	if err := t.Close(); err != nil {
		s.Fail(err)
	}
}

// Hold gives s a handle of its own to t (the memory is shared), so that the tensor outlives the scope that made it.
// Hold of the nil tensor is nil.
func (s *Scope) Hold(t Tensor) Tensor {
	if !t.Defined() {
		return t
	}
	return s.op("hold", func(out *C.icl_tensor) C.icl_error { return C.icl_alias(out, t.c) })
}

// HoldAll holds every tensor of ts.
func (s *Scope) HoldAll(ts []Tensor) []Tensor {
	out := make([]Tensor, len(ts))
	for i, t := range ts {
		out[i] = s.Hold(t)
	}
	return out
}

// FromGotch gives s a handle to a gotch tensor. The memory is shared; both may be freed independently.
func (s *Scope) FromGotch(t *ts.Tensor) Tensor {
	return s.Hold(Tensor{C.icl_tensor(t.Ctensor())})
}

// ToGotch returns a gotch tensor that shares t's memory. The caller owns it; its MustDrop or its finalizer frees it.
func (s *Scope) ToGotch(t Tensor) *ts.Tensor {
	if s.err != nil {
		return nil
	}
	var out C.icl_tensor
	if err := toError(C.icl_alias(&out, t.c), "to gotch"); err != nil {
		s.Fail(err)
		return nil
	}
	C.icl_disown()
	return ts.FromCtensor(unsafe.Pointer(out))
}

// Error is a failure inside LibTorch.
type Error struct {
	Op      string // the operation
	Message string // LibTorch's first line
}

func (e *Error) Error() string { return fmt.Sprintf("torch: %s: %s", e.Op, e.Message) }

// toError takes a C call's message and frees it.
func toError(msg C.icl_error, op string) error {
	if msg == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(msg))
	return &Error{Op: op, Message: C.GoString(msg)}
}

// op runs a C call with one result, unless the scope has failed.
func (s *Scope) op(name string, call func(out *C.icl_tensor) C.icl_error) Tensor {
	if s.err != nil {
		return Tensor{}
	}
	var out C.icl_tensor
	if err := toError(call(&out), name); err != nil {
		s.err = err
		return Tensor{}
	}
	return s.own(out)
}

// own adds the result of a C call to the scope; NULL is the nil tensor.
func (s *Scope) own(c C.icl_tensor) Tensor {
	if c != nil {
		s.owned = append(s.owned, c)
	}
	return Tensor{c}
}

// do runs a C call without a result, unless the scope has failed.
func (s *Scope) do(name string, call func() C.icl_error) {
	if s.err == nil {
		s.err = toError(call(), name)
	}
}

// Live returns the number of tensor handles in the process, over all scopes. Tests look for leaks with it.
func Live() int64 { return int64(C.icl_live()) }
