package meta

import (
	"context"
	"iter"
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// HostBatch is a batch in the host's memory: N normalised pictures. In a data-parallel job they are this rank's share
// of the batch.
type HostBatch struct {
	N       int         // pictures
	Total   int         // pictures of all ranks' shares; 0: N on each
	Views   [][]float32 // view v is [N, 3, Sizes[v], Sizes[v]]; nil if Device makes it
	Sizes   []int
	Plain   []float32 // un-augmented [N, 3, Size, Size]; nil without an f_msr, or if Device makes it
	Size    int
	Indices []int64 // of the pictures in the data set
	// Device builds on the device each view whose entry in Views is nil, in its place, and Plain if it is wanted and
	// nil. It is called once, while the batch is valid. It is nil if the host has made all.
	Device func(s *torch.Scope, device gotch.Device) (views []torch.Tensor, plain torch.Tensor)
}

// total is the number of pictures on all ranks.
func (b HostBatch) total(g *torch.Group) int {
	if b.Total > 0 {
		return b.Total
	}
	return b.N * g.Size()
}

// Source makes the batches of a phase. They depend on the number of the phase and the batch's place alone, so that a
// run can be resumed anywhere.
type Source interface {
	// Steps is the number of batches of a phase.
	Steps() int
	// Batches yields every step-th batch of a phase (0, 1, ... over the run) from batch `from`.
	Batches(ctx context.Context, phase uint64, from, step int) iter.Seq2[HostBatch, error]
	// Waited is the time spent waiting for batches so far.
	Waited() time.Duration
}

// Surveyor is a source that can also yield all pictures once, un-augmented, in the data set's order: for methods that
// look at all of them (model.Surveyor). If the last batch does not divide by the ranks, their shares have one length
// all the same, and what lies beyond Total is left out.
type Surveyor interface {
	Survey(ctx context.Context) iter.Seq2[HostBatch, error]
}
