package torch

// #include <stdlib.h>
// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/sugarme/gotch"
)

// Group is a process group of c10d: the ranks of a data-parallel job. The nil group is a job of one process, for which
// every operation returns its arguments.
//
// A tensor is either common (the same on all ranks) or divided (each rank has its own rows). A gradient or a tangent is
// of its tensor's kind. [Scope.AllGather] goes from divided to common, [Scope.Share] from common to divided. Their
// derivatives of any order are exact and have no factor of the number of ranks: a loss is common, every rank computes
// the same one from gathered embeddings, and it counts once. Parameters are common. A rank that applies them to its own
// rows takes them through Share, whose gradient is the sum over all ranks.
//
// All ranks call the same operations in the same order. A group must outlive the graphs that were made with it. A
// process may have several groups, each used by a goroutine of its own.
type Group struct {
	c          C.icl_group
	rank, size int
}

// Bucket is the largest number of bytes of gradients that are summed at once, as in PyTorch's DistributedDataParallel.
// The gradients of the first parameters, which are ready last, are summed in smaller buckets.
const Bucket = 25 << 20

// GroupOptions describe a process group.
type GroupOptions struct {
	Backend    string // gloo, or nccl in a build for GPUs
	Address    string // address of this machine, on which it listens for the other ranks
	Rank, Size int
	Timeout    time.Duration // of an operation
}

// Backends lists the backends that this program was built with: gloo, nccl or both.
func Backends() (out []string) {
	built := C.icl_group_backends()
	for bit, name := range []string{"gloo", "nccl"} {
		if built&(1<<bit) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// NewGroup meets the other ranks in the store, which must stay open.
func NewGroup(t *Store, o GroupOptions) (*Group, error) {
	if o.Rank < 0 || o.Rank >= o.Size {
		return nil, fmt.Errorf("torch: rank %d of %d", o.Rank, o.Size)
	}
	backend, address := C.CString(o.Backend), C.CString(o.Address)
	defer C.free(unsafe.Pointer(backend))
	defer C.free(unsafe.Pointer(address))
	g := &Group{rank: o.Rank, size: o.Size}
	err := toError(C.icl_group_open(&g.c, t.c, backend, address, C.int(o.Rank), C.int(o.Size), milliseconds(o.Timeout)),
		"process group")
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Rank is the number of this process, from 0.
func (g *Group) Rank() int {
	if g == nil {
		return 0
	}
	return g.rank
}

// Size is the number of ranks.
func (g *Group) Size() int {
	if g == nil {
		return 1
	}
	return g.size
}

// handle is NULL for a job of one process.
func (g *Group) handle() C.icl_group {
	if g == nil {
		return nil
	}
	return g.c
}

// Close leaves the group.
func (g *Group) Close() {
	if g != nil && g.c != nil {
		C.icl_group_free(g.c)
		g.c = nil
	}
}

// Barrier waits for all ranks.
func (g *Group) Barrier() error {
	if g == nil {
		return nil
	}
	return toError(C.icl_group_barrier(g.c), "barrier")
}

// Traffic is what a group has done so far.
type Traffic struct {
	Calls  int64         // operations begun
	Bytes  int64         // given to them by this rank
	Busy   time.Duration // total duration of the operations
	Waited time.Duration // how long callers waited for them; the rest was hidden behind other work
}

// Traffic returns the group's traffic so far.
func (g *Group) Traffic() Traffic {
	if g == nil {
		return Traffic{}
	}
	var calls, bytes, busy, waited C.int64_t
	C.icl_group_traffic(g.c, &calls, &bytes, &busy, &waited)
	return Traffic{int64(calls), int64(bytes), time.Duration(busy), time.Duration(waited)}
}

// AllGather returns the rows of all ranks, rank by rank, [size*n, ...] of x [n, ...]:
// common, of a divided x. The gradient on x is that of its own rows.
func (s *Scope) AllGather(g *Group, x Tensor) Tensor {
	if g == nil {
		return x
	}
	return s.op("all gather", func(out *C.icl_tensor) C.icl_error { return C.icl_gather(out, x.c, g.c) })
}

// AllGatherParts gathers rows [k*n, ...] that consist of k parts of n rows, as the views of a batch. The result has all
// ranks' rows of the first part, then those of the second, and so on.
func (s *Scope) AllGatherParts(g *Group, x Tensor, k int) Tensor {
	if g == nil {
		return x
	}
	if k == 1 {
		return s.AllGather(g, x)
	}
	shape := s.Shape(x)
	if s.err != nil {
		return Tensor{}
	}
	apart := append([]int64{int64(g.size), int64(k), shape[0] / int64(k)}, shape[1:]...)
	shape[0] *= int64(g.size)
	return s.Reshape(s.Transpose(s.Reshape(s.AllGather(g, x), apart...), 0, 1), shape...)
}

// AllReduce returns the sum of x over all ranks. x is divided, the sum is common.
func (s *Scope) AllReduce(g *Group, x Tensor) Tensor {
	if g == nil {
		return x
	}
	return s.op("all reduce", func(out *C.icl_tensor) C.icl_error { return C.icl_total(out, x.c, g.c) })
}

// Share returns common tensors for use with this rank's own rows. Their gradients are summed over the ranks, in
// buckets, as soon as they are computed. With overlap the sums run while other gradients are computed, and are complete
// when Grad returns; ts must then be leaves that are shared only once.
func (s *Scope) Share(g *Group, ts []Tensor, overlap bool) []Tensor {
	if g == nil {
		return ts
	}
	return s.results("share", len(ts), func(out *C.icl_tensor) C.icl_error {
		p, n := handles(ts)
		return C.icl_share(out, p, n, Bucket, flag(overlap), g.c)
	})
}

// TotalAll returns the sums of ts over all ranks, in buckets, outside of any graph.
func (s *Scope) TotalAll(g *Group, ts []Tensor) []Tensor {
	if g == nil || len(ts) == 0 {
		return ts
	}
	defer SetGrad(true)()
	common := s.Leaves(ts)
	return s.Grad(s.Share(g, common, true), common, GradOptions{Seeds: ts})
}

// Broadcast writes the values of rank root into ts on all ranks, outside of any graph.
func (s *Scope) Broadcast(g *Group, ts []Tensor, root int) {
	if g == nil {
		return
	}
	s.do("broadcast", func() C.icl_error {
		p, n := handles(ts)
		return C.icl_group_broadcast_(p, n, C.int(root), g.c)
	})
}

// GatherInts returns the numbers of all ranks, rank by rank. Each rank has the same number of them. device is where the
// group's operations run.
func (g *Group) GatherInts(device gotch.Device, xs ...int64) (out []int64, err error) {
	if g == nil {
		return xs, nil
	}
	err = With(func(s *Scope) error {
		out = Slice[int64](s, s.AllGather(g, FromSlice(s, xs, device, int64(len(xs)))))
		return s.Err()
	})
	return out, err
}
