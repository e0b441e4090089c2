package torch

// #include "internal/shim/shim.h"
import "C"

import (
	"unsafe"

	"github.com/sugarme/gotch"
)

// Figures puts the entries of tensors after each other into one vector of
// float64, without a graph, on their device; none counts as one zero. What a step
// tells the host it tells in one of these, since each reading of a device costs a
// wait for all that is queued there.
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

// ReadLater queues the copy of a vector's entries to the host, and does not wait
// for it. The result is to be taken, or dropped, once.
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

// Drop frees numbers that nobody wants any more.
func (l *Late) Drop() {
	if l.c != nil {
		C.icl_late_free(l.c)
		l.c = nil
	}
}

// Reads returns how often, in this process, the host has waited for a value of a
// device other than the CPU by Item, Slice, Bytes or Dot: a test's counter.
func Reads() int64 { return int64(C.icl_reads()) }

// OnHost reports whether a device's values are at hand, so that to read one costs
// nothing.
func OnHost(d gotch.Device) bool { return deviceIndex(d) == -1 }
