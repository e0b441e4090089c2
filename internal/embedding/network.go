package embedding

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/progress"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// picturesOf opens the pictures to embed.
func picturesOf(k train.Checkpoint, o Options) (datasets.Dataset, error) {
	if err := k.Config.CheckDepth16(); err != nil {
		return nil, err
	}
	if len(o.Paths) > 0 {
		return datasets.PicturesAs(o.Paths, k.Config.Data.Depth16)
	}
	return k.Config.OpenPart(o.Part == "train", o.Unlabelled)
}

// network maps pictures to rows. tensors are the weights that the rows depend on.
type network struct {
	run     func(s *torch.Scope, x torch.Tensor) torch.Tensor
	dim     int64
	tensors []nets.NamedTensor
}

// networkOf loads the network.
func networkOf(w io.Writer, k train.Checkpoint, st *meta.State, what string) (e network, err error) {
	if what == "features" {
		return network{st.Features, st.Backbone.Dim(), st.Encoder()}, k.FillEncoder(w, st)
	}
	if k.IsForeign() {
		return e, usage.Errorf("{embedding.What} projection: another program's head is not loaded; " +
			"give --run or --checkpoint, or {embedding.What} features")
	}
	if _, cuts := st.Method.(model.Cutter); cuts || st.Projector == nil {
		return e, usage.Errorf("{embedding.What} projection: %s has none of whole pictures; use {embedding.What} features",
			st.Name())
	}
	e.dim = st.Projector.Dim()
	for _, t := range st.Tensors() {
		if strings.HasPrefix(t.Name, model.BackbonePart+".") || strings.HasPrefix(t.Name, model.ProjectorPart+".") {
			e.tensors = append(e.tensors, t)
		}
	}
	pass := &model.Pass{Model: st.Model, Theta: st.Theta, Buffers: st.Buffers, State: st.ModelState, Mode: nets.Eval()}
	e.run = func(s *torch.Scope, x torch.Tensor) (z torch.Tensor) {
		h := st.Features(s, x)
		torch.NoGrad(func() { z = pass.Apply(s, model.ProjectorPart, h) })
		return z
	}
	return e, k.Fill(e.tensors)
}

// writeRows writes the pictures from index from on. A picture that cannot be read gets no row.
func writeRows(
	ctx context.Context, w io.Writer, k train.Checkpoint, st *meta.State, net network, ds datasets.Dataset,
	from, batch int, out *rowFile,
) error {
	aug, err := k.Config.Augmentation()
	if err != nil {
		return err
	}
	bad, err := k.Config.SkipBad(w, ds.Len())
	if err != nil {
		return err
	}
	rest := &readable{Dataset: ds, from: from, bad: bad}
	l, err := datasets.NewLoader(rest,
		datasets.LoaderOptions{BatchSize: batch, Workers: k.Config.Workers, Plain: &aug.Plain})
	if err != nil {
		return err
	}
	shown := progress.New(w, "embed", l.Steps(), 0)
	defer shown.Done()
	size, o := int64(aug.Plain.Size), st.Options()
	for b, err := range l.Epoch(ctx, 0, 0) {
		if err != nil {
			return err
		}
		err := torch.With(func(s *torch.Scope) error {
			x := s.To(torch.Upload(s, b.Plain, o.Device, int64(b.N), 3, size, size), o)
			values := torch.Slice[float32](s, s.To(net.run(s, x), torch.Float32()))
			if s.Err() != nil {
				return s.Err()
			}
			return out.add(ds, rest, b.Indices, values)
		})
		if err != nil {
			return err
		}
		shown.Step(b.N, fmt.Sprintf("%d of %d", from+b.Indices[b.N-1]+1, ds.Len()))
	}
	return ctx.Err()
}

// add writes a batch. If any number is not finite, it writes nothing and returns an error, so that no file has such
// numbers.
func (r *rowFile) add(ds datasets.Dataset, rest *readable, indices []int, values []float32) error {
	row := func(i int) []float32 { return values[i*int(r.dim) : (i+1)*int(r.dim)] }
	var odd []string
	read := 0
	for i, n := range indices {
		if rest.isBad(n) {
			continue
		}
		if read++; !finite(row(i)) {
			odd = append(odd, datasets.PictureName(ds, rest.from+n))
		}
	}
	if len(odd) > 0 {
		return &eval.NotFinite{Rows: int64(len(odd)), Of: r.rows + int64(read), First: oneLine(odd[0])}
	}
	for i, n := range indices {
		if rest.isBad(n) {
			continue
		}
		if err := r.write(datasets.PictureName(ds, rest.from+n), className(ds, rest.from+n), row(i)); err != nil {
			return err
		}
	}
	return r.flush()
}

func className(ds datasets.Dataset, i int) string {
	if l, classes := ds.Label(i), ds.Classes(); l >= 0 && l < len(classes) {
		return classes[l]
	}
	return ""
}

// finite reports whether all numbers are finite.
func finite(x []float32) bool {
	for _, v := range x {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}
