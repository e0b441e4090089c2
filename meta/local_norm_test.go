package meta_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/ranktest"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// parted is Algorithm 1 written out on one process, for batch norms that see one of several parts of a batch at a time:
// each part passes the networks alone, losses are of all embeddings, running statistics become the mean of those that
// each part would leave.
type parted struct {
	*meta.Trainer
	parts int64
}

// batch copies a batch of the source.
func (h parted) batch(s *torch.Scope, b meta.HostBatch) model.Batch {
	upload := func(x []float32, size int) torch.Tensor {
		return s.To(torch.FromSlice(s, x, gotch.CPU, int64(b.N), 3, int64(size), int64(size)), torch.Float64())
	}
	out := model.Batch{Plain: upload(b.Plain, b.Size), Indices: torch.FromSlice(s, b.Indices, gotch.CPU, int64(b.N))}
	for v, x := range b.Views {
		out.Views = append(out.Views, upload(x, b.Sizes[v]))
	}
	return out
}

// forward is a pass at theta with all embeddings, and A.
func (h parted) forward(s *torch.Scope, theta, phi []torch.Tensor, b model.Batch, m nets.Mode) (whole *model.Pass,
	a torch.Tensor) {
	st, p := h.State, h.State.Position
	pass := func(buffers, state []torch.Tensor, b model.Batch) *model.Pass {
		return &model.Pass{Model: st.Model, Theta: theta, Buffers: buffers, State: state, Batch: b, Mode: m,
			Clock: model.Clock{Step: p.Step, Steps: h.Schedule.Epochs * h.Schedule.Steps, Epochs: h.Schedule.Epochs, Seed: 11}}
	}
	n := s.Size(b.Plain, 0) / h.parts
	z, targets := make([][]torch.Tensor, len(b.Views)), make([][]torch.Tensor, len(b.Views))
	var as []torch.Tensor
	var left [3][][]torch.Tensor // statistics, of each part
	for r := range h.parts {
		rows := func(x torch.Tensor) torch.Tensor { return s.Narrow(x, 0, r*n, n) }
		part := model.Batch{Plain: rows(b.Plain)}
		for _, v := range b.Views {
			part.Views = append(part.Views, rows(v))
		}
		own := [3][]torch.Tensor{clones(s, st.Buffers), clones(s, st.ModelState), clones(s, st.PhiBuffers)}
		q := pass(own[0], own[1], part)
		q.Targets(s)
		q.Forward(s)
		for v := range b.Views {
			z[v] = append(z[v], q.Z[v])
			if st.HasTarget() {
				targets[v] = append(targets[v], q.Batch.TargetZ[v])
			}
		}
		if st.MSR != nil {
			as = append(as, st.MSR.Forward(s, phi, own[2], part.Plain, m))
		}
		for k := range own {
			left[k] = append(left[k], own[k])
		}
	}
	torch.NoGrad(func() {
		for k, ts := range [][]torch.Tensor{st.Buffers, st.ModelState, st.PhiBuffers} {
			for i, t := range ts {
				sum := left[k][0][i]
				if gotch.IsFloatDType(s.Like(t).DType) {
					for _, other := range left[k][1:] {
						sum = s.Add(sum, other[i])
					}
					sum = s.MulScalar(sum, 1/float64(h.parts))
				}
				s.Copy(t, sum)
			}
		}
	})
	whole = pass(st.Buffers, st.ModelState, b)
	for v := range b.Views {
		whole.Z = append(whole.Z, s.Cat(0, z[v]...))
		if st.HasTarget() {
			whole.Batch.TargetZ = append(whole.Batch.TargetZ, s.Cat(0, targets[v]...))
		}
	}
	if as != nil {
		a = s.Cat(0, as...)
		whole.Space, whole.A = meta.Embedding, a
	}
	return whole, a
}

func clones(s *torch.Scope, ts []torch.Tensor) []torch.Tensor {
	out := make([]torch.Tensor, len(ts))
	for i, t := range ts {
		out[i] = s.Clone(t)
	}
	return out
}

func (h parted) regular(s *torch.Scope, b model.Batch) {
	st := h.State
	theta := s.Leaves(st.Theta)
	q, _ := h.forward(s, theta, st.Phi, b, nets.Train())
	total := q.Loss(s, q)
	if st.MSR != nil {
		total = s.Add(total, s.MulScalar(q.DoLoss(s), h.Config.Lambda))
	}
	st.ThetaOpt.Step(s, st.Theta, s.Grad([]torch.Tensor{total}, theta, torch.GradOptions{}),
		h.Schedule.At(st.Position.Step))
	q.Theta = st.Theta
	q.Update(s)
	st.Position.Step++
}

// meta differentiates the meta objective through the inner gradient.
func (h parted) meta(s *torch.Scope, b model.Batch) {
	st, c := h.State, h.Config
	theta, phi := s.Leaves(st.Theta), s.Leaves(st.Phi)
	q, a := h.forward(s, theta, phi, b, nets.Meta())
	inner := s.Add(q.Loss(s, q), s.MulScalar(q.DoLoss(s), c.Lambda))
	fast := meta.FastWeights(s, theta, s.Grad([]torch.Tensor{inner}, theta, torch.GradOptions{CreateGraph: true}), c.Alpha)
	q, _ = h.forward(s, fast, phi, b, nets.Meta())
	objective := s.Add(q.Loss(s, q), s.MulScalar(losses.WeightUniformity(s, a, c.UniformityT), c.Gamma))
	st.PhiOpt.Step(s, st.Phi, s.Grad([]torch.Tensor{objective}, phi, torch.GradOptions{}), c.Beta)
}

// epoch is what Trainer.Run does with a schedule of one epoch.
func (h parted) epoch(t *testing.T, s *torch.Scope) {
	defer torch.SetGrad(true)()
	for phase, step := range []func(*torch.Scope, model.Batch){h.regular, h.meta} {
		if phase == 1 && h.State.MSR == nil {
			break
		}
		for b, err := range h.Source.Batches(context.Background(), uint64(phase), 0, 1) {
			require.NoError(t, err)
			step(s, h.batch(s, b))
		}
	}
	require.NoError(t, s.Err())
}

// With norms of each rank by itself, as DistributedDataParallel has them, two
// regular and two meta steps on 2 ranks are those that are written out above for
// two parts of a batch.
func TestLocalNormsAreThoseOfEachPart(t *testing.T) {
	ranktest.Run(t, []int{2}, func(t *testing.T, g *torch.Group) {
		unrolled := func(c *meta.Config) { c.GradientMethod = meta.Unrolled }
		const script = "../nets/testdata/scripted.pt"
		for _, r := range []run{{method: "simclr"}, {method: "simclr", msr: true},
			{method: "simclr", msr: true, change: unrolled}, {method: "barlow_twins", msr: true},
			{method: "byol"}, {method: "byol", msr: true}, {method: "moco", msr: true},
			{method: "simclr", script: script}, {method: "simclr", script: script, msr: true}, {method: "byol", script: script,
				msr: true}} {
			r.local = true
			s := torch.NewScope()
			st, _ := r.train(t, s, g)
			if g.Rank() == 0 {
				one := parted{r.trainer(t, s, nil), 2}
				one.epoch(t, s)
				equal(t, one.State, st, nil, nil, fmt.Sprintf("%s, msr %v, script %v", r.method, r.msr, r.script != ""))
			}
			require.NoError(t, s.Close())
		}
	})
}
