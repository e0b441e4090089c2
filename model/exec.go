package model

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Exec says how a step is executed. The zero value runs it in this process alone, with the whole batch at once.
type Exec struct {
	// Group are the ranks of a data-parallel job; nil is one process. Each rank has its share of every batch. Losses,
	// gradients and figures are those of the whole batch, and alike on all ranks.
	Group *torch.Group
	// SyncBatchNorm takes the statistics of batch norms over all ranks. Without it each rank normalises by its own
	// pictures, as PyTorch's DistributedDataParallel does.
	SyncBatchNorm bool
	// MicroBatch is how many pictures of a rank's share pass the networks at a time; it divides their number. 0: all.
	// The gradient is the exact one of the whole batch, in the memory of one micro-batch. Batch norms take the
	// statistics of a micro-batch.
	MicroBatch int
	// Recompute keeps only the inputs of the backbone's stages and runs each stage again in the backward pass. The
	// gradient is the same, batch norms see the whole batch, and a step takes about a third of the memory.
	Recompute bool
}

// sync is a mode whose batch norms see what SyncBatchNorm says.
func (e Exec) sync(m nets.Mode) nets.Mode {
	if !e.SyncBatchNorm {
		return m.SyncOver(nil)
	}
	return m.SyncOver(e.Group)
}

// divide returns the number of micro-batches of n pictures. If MicroBatch does not divide n, it fails s and returns 1.
func (e Exec) divide(s *torch.Scope, n int64) int {
	m := int64(e.MicroBatch)
	if s.Err() != nil || m == 0 {
		return 1
	}
	if m < 0 || n%m != 0 {
		s.Fail(fmt.Errorf("model: micro-batches of %d pictures do not divide %d", m, n))
		return 1
	}
	return int(n / m)
}

// microBatches divides x [n, ...] into micro-batches.
func (e Exec) microBatches(s *torch.Scope, x torch.Tensor) []torch.Tensor {
	count := e.divide(s, s.Size(x, 0))
	if count == 1 {
		return []torch.Tensor{x}
	}
	return split(s, x, count)
}

// Evaluate returns a network's output for x [n, ...], without a graph, computed micro-batch by micro-batch.
func (e Exec) Evaluate(s *torch.Scope, net nets.Network, params, buffers []torch.Tensor, x torch.Tensor,
	m nets.Mode) torch.Tensor {
	defer torch.SetGrad(false)()
	micro := e.microBatches(s, x)
	out := make([]torch.Tensor, len(micro))
	for i, x := range micro {
		s.Within(func(t *torch.Scope) { out[i] = s.Hold(net.Forward(t, params, buffers, x, e.sync(m))) })
	}
	return s.Cat(0, out...)
}

// VJP returns a network's output for x [n, ...] as a leaf, and the function from gradients at that output to gradients
// by the parameters (vector-Jacobian products), summed over the ranks. An undefined gradient gives nil. In
// micro-batches the network runs twice, and one micro-batch's graph is in memory at a time. The mode leaves running
// statistics alone.
func (e Exec) VJP(s *torch.Scope, net nets.Network, params, buffers []torch.Tensor, x torch.Tensor,
	m nets.Mode) (y torch.Tensor, vjp func(at []torch.Tensor) [][]torch.Tensor) {
	micro := e.microBatches(s, x)
	if len(micro) > 1 {
		y := s.Leaves([]torch.Tensor{e.Evaluate(s, net, params, buffers, x, m)})[0]
		return y, func(at []torch.Tensor) [][]torch.Tensor { return e.vjp(s, net, params, buffers, micro, m, at) }
	}
	leaves := s.Leaves(params)
	graph := net.Forward(s, s.Share(e.Group, leaves, false), buffers, x, e.sync(m))
	return s.Leaves([]torch.Tensor{graph})[0], func(at []torch.Tensor) [][]torch.Tensor {
		return gradients(s, graph, leaves, at)
	}
}

// vjp runs the micro-batches again, one after the other, and adds up their gradients.
func (e Exec) vjp(s *torch.Scope, net nets.Network, params, buffers, micro []torch.Tensor, m nets.Mode,
	at []torch.Tensor) [][]torch.Tensor {
	sums := make([][]torch.Tensor, len(at))
	for i, x := range micro {
		s.Within(func(t *torch.Scope) {
			leaves := t.Leaves(params)
			graph := net.Forward(t, leaves, buffers, x, e.sync(m))
			seeds := make([]torch.Tensor, len(at))
			for k, g := range at {
				if g.Defined() {
					seeds[k] = split(t, g, len(micro))[i]
				}
			}
			for k, g := range gradients(t, graph, leaves, seeds) {
				if g == nil {
					continue
				}
				if sums[k] == nil {
					sums[k] = zerosLike(s, params)
				}
				s.AddAll(sums[k], g)
			}
		})
	}
	for k := range sums {
		sums[k] = s.TotalAll(e.Group, sums[k])
	}
	return sums
}

// gradients are those of <y, seed> by leaves, for each seed; nil for an undefined seed.
func gradients(s *torch.Scope, y torch.Tensor, leaves, seeds []torch.Tensor) [][]torch.Tensor {
	out := make([][]torch.Tensor, len(seeds))
	for i, g := range seeds {
		if g.Defined() {
			out[i] = s.Grad([]torch.Tensor{y}, leaves,
				torch.GradOptions{Seeds: []torch.Tensor{g}, RetainGraph: true})
		}
	}
	return out
}

// split divides x into n equal numbers of rows.
func split(s *torch.Scope, x torch.Tensor, n int) []torch.Tensor {
	out := make([]torch.Tensor, n)
	rows := s.Size(x, 0) / int64(n)
	for k := range out {
		out[k] = s.Narrow(x, 0, int64(k)*rows, rows)
	}
	return out
}

func zerosLike(s *torch.Scope, ts []torch.Tensor) []torch.Tensor {
	out := make([]torch.Tensor, len(ts))
	for i, t := range ts {
		out[i] = s.ZerosLike(s.Detach(t))
	}
	return out
}
