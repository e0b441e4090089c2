package model

import "github.com/icl-msr/icl-msr/torch"

// microPasses are the passes of the micro-batches: with their pictures, their weights, and the target's features of
// them. If there is one micro-batch, this is p itself.
func (p *Pass) microPasses(s *torch.Scope) []*Pass {
	if p.MicroBatch == 0 || len(p.Batch.Views) == 0 {
		return []*Pass{p}
	}
	count := p.divide(s, s.Size(p.Batch.Views[0], 0))
	if count == 1 {
		return []*Pass{p}
	}
	out := make([]*Pass, count)
	for i := range out {
		rows := func(x torch.Tensor) torch.Tensor {
			if !x.Defined() {
				return x
			}
			n := s.Size(x, 0) / int64(count) // features have several rows a picture if the method is a Cutter
			return s.Narrow(x, 0, int64(i)*n, n)
		}
		q := *p
		q.shared, q.sharedFrom = nil, nil
		q.Batch.Views, q.Batch.TargetH = each(p.Batch.Views, rows), each(p.Batch.TargetH, rows)
		q.A = rows(p.A)
		out[i] = &q
	}
	return out
}

func each(xs []torch.Tensor, f func(torch.Tensor) torch.Tensor) []torch.Tensor {
	out := make([]torch.Tensor, len(xs))
	for i, x := range xs {
		out[i] = f(x)
	}
	return out
}

// concat joins the outputs of micro-batches, in order.
func concat(s *torch.Scope, micro []Outputs) Outputs {
	if len(micro) == 1 || s.Err() != nil {
		return micro[0]
	}
	all := micro[0].all()
	out := make([]torch.Tensor, len(all))
	for k := range out {
		pieces := make([]torch.Tensor, len(micro))
		for i, y := range micro {
			pieces[i] = y.all()[k]
		}
		out[k] = s.Cat(1, pieces...)
	}
	return micro[0].with(out)
}

// microBatch undoes concat: it returns the i-th of n micro-batches. An undefined tensor stays undefined.
func microBatch(s *torch.Scope, xs []torch.Tensor, i, n int) []torch.Tensor {
	return each(xs, func(x torch.Tensor) torch.Tensor {
		if !x.Defined() {
			return x
		}
		rows := s.Size(x, 1) / int64(n)
		return s.Narrow(x, 1, int64(i)*rows, rows)
	})
}
