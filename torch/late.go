package torch

// #include "internal/shim/shim.h"
import "C"

import (
	"unsafe"

	"github.com/sugarme/gotch"
)

// Figures concatenates the entries of tensors into one vector of float64 on their device, without a graph. A nil tensor
// counts as one zero. A step gathers all its figures in one vector, because each reading of a device waits for all work
// that is queued there.
func (s *Scope) Figures(ts ...Tensor) Tensor {
	return s.op("figures", func(out *C.icl_tensor) C.icl_error {
		p, n := handles(ts)
		return C.icl_figures(out, p, n)
	})
}

// Late are numbers on their way from a device to the host.
type Late struct {
	c C.icl_late
	n int64
}

// ReadLater queues the copy of a vector to the host and does not wait for it. The result must be taken or dropped once.
func (s *Scope) ReadLater(t Tensor) *Late {
	l := &Late{n: product(s.Shape(t))}
	s.do("read later", func() C.icl_error { return C.icl_late_read(&l.c, t.c) })
	return l
}

// Take waits for the numbers and returns them.
func (l *Late) Take() ([]float64, error) {
	if l.c == nil {
		return nil, nil
	}
	defer l.Drop()
	out := make([]float64, l.n)
	err := toError(C.icl_late_take((*C.double)(unsafe.SliceData(out)), C.int64_t(l.n), l.c), "read later")
	return out, err
}

// Drop frees numbers that are no longer wanted.
func (l *Late) Drop() {
	if l.c != nil {
		C.icl_late_free(l.c)
		l.c = nil
	}
}

// Reads returns how often the host has waited in this process for a value of a device other than the CPU, in Item,
// Slice, Bytes or Dot. Tests use it.
func Reads() int64 { return int64(C.icl_reads()) }

// OnHost reports whether a device is the CPU, so that reading a value costs nothing.
func OnHost(d gotch.Device) bool { return deviceIndex(d) == -1 }
