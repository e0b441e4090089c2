package meta

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// uncancelled is the context of what a rank does alone. In a data-parallel job it does not end when ctx does, since all
// ranks stop together.
func (t *Trainer) uncancelled(ctx context.Context) context.Context {
	if t.Group == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// exchange gathers, before a step on the CPU, the indices of all ranks' pictures, and whether a rank was told to stop;
// then all stop here. On a device it would wait for all that is queued: there uploadStep and stopping do the same
// within the step.
func (t *Trainer) exchange(ctx context.Context, b *HostBatch) error {
	if t.Group == nil || t.lateness() > 0 {
		return nil
	}
	stop := int64(0)
	if ctx.Err() != nil {
		stop = 1
	}
	n := len(b.Indices)
	all, err := t.Group.GatherInts(t.State.options.Device, append(b.Indices[:n:n], stop)...)
	if err != nil {
		return err
	}
	b.Indices = b.Indices[:0:0]
	for r := range t.Group.Size() {
		at := r * (n + 1)
		b.Indices = append(b.Indices, all[at:at+n]...)
		if all[at+n] != 0 {
			return context.Canceled
		}
	}
	return nil
}

// uploadStep is upload, with the indices of all ranks' pictures.
func (t *Trainer) uploadStep(s *torch.Scope, b HostBatch, m nets.Mode) *model.Pass {
	q := t.upload(s, b, m)
	if t.lateness() > 0 && q.Batch.Indices.Defined() {
		q.Batch.Indices = s.AllGather(t.Group, q.Batch.Indices)
	}
	if t.LogWeights != nil {
		q.Batch.LogWeights = t.LogWeights(s, q.Batch.Indices)
	}
	return q
}

// stopping is, on a device, how many ranks were told to stop. It is one of the step's figures, which all ranks read at
// the same step, and so they stop together. Elsewhere it is undefined.
func (t *Trainer) stopping(ctx context.Context, s *torch.Scope) torch.Tensor {
	if t.Group == nil || t.lateness() == 0 {
		return torch.Tensor{}
	}
	stop := 0.0
	if ctx.Err() != nil {
		stop = 1
	}
	return s.AllReduce(t.Group, torch.FromSlice(s, []float64{stop}, t.State.options.Device, 1))
}

// agree ends an epoch. The time waited for data becomes the mean over the ranks. The state, which all ranks have moved
// alike, is compared. On a GPU, where some sums have no fixed order, ranks take rank 0's state instead.
func (t *Trainer) agree() error {
	if t.Group == nil {
		return nil
	}
	sum, err := t.State.checksum()
	if err != nil {
		return err
	}
	st, sums := t.State, &t.State.Position.Sums
	waited := sums.Value(waitedSeconds)
	all, err := t.Group.GatherInts(st.options.Device, int64(sum), int64(waited*1e9))
	if err != nil {
		return err
	}
	waited = 0
	differ := 0
	for r := range t.Group.Size() {
		waited += float64(all[2*r+1]) / 1e9 / float64(t.Group.Size())
		if all[2*r] != all[0] && differ == 0 {
			differ = r
		}
	}
	sums.set(waitedSeconds, waited)
	switch {
	case differ == 0:
		return nil
	case st.options.Device != gotch.CPU:
		return st.share(t.Group)
	}
	return fmt.Errorf("meta: after epoch %d rank %d has other parameters than rank 0: stopped; "+
		"are the machines of one kind, with as many threads?", st.Position.Epoch, differ)
}

// checksum is a CRC-32C of all tensors of the state.
func (st *State) checksum() (sum uint32, err error) {
	table := crc32.MakeTable(crc32.Castagnoli)
	for _, t := range st.Tensors() {
		err := torch.With(func(s *torch.Scope) error {
			sum = crc32.Update(sum, table, s.Bytes(t.Tensor))
			return s.Err()
		})
		if err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// Share gives all ranks the tensors and the position of rank 0, before the first step of a new or a resumed run. A
// position does not depend on the number of ranks, which may have changed.
func (st *State) Share(g *torch.Group) error {
	if g == nil {
		return nil
	}
	position, err := st.Mark()
	if err != nil {
		return err
	}
	if err := st.share(g); err != nil {
		return err
	}
	text, err := json.Marshal(position)
	if err != nil {
		return err
	}
	lengths, err := g.GatherInts(st.options.Device, int64(len(text)))
	if err != nil {
		return err
	}
	return torch.With(func(s *torch.Scope) error {
		if g.Rank() != 0 {
			text = make([]byte, lengths[0])
		}
		x := torch.FromSlice(s, text, st.options.Device, lengths[0])
		s.Broadcast(g, []torch.Tensor{x}, 0)
		text = s.Bytes(x)
		if s.Err() != nil {
			return s.Err()
		}
		var p Position
		if err := json.Unmarshal(text, &p); err != nil {
			return fmt.Errorf("meta: rank 0's position: %w", err)
		}
		st.Restore(p)
		return nil
	})
}

// share copies rank 0's tensors to all ranks.
func (st *State) share(g *torch.Group) error {
	return torch.With(func(s *torch.Scope) error {
		for _, t := range st.Tensors() {
			s.Broadcast(g, []torch.Tensor{t.Tensor}, 0)
		}
		return s.Err()
	})
}
