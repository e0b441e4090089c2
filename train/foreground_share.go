package train

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// ForegroundShare tells how much a network's outputs depend on objects, and how much on backgrounds. A field is nil if
// the network lacks that output, or if the output is constant.
type ForegroundShare struct {
	Embedding *eval.ForegroundShare `json:"embedding,omitempty"` // the projector's output
	Features  *eval.ForegroundShare `json:"features,omitempty"`  // the backbone's
	Pictures  int                   `json:"pictures"`            // pictures that have a twin on another background
}

// String returns the shares in one line.
func (f ForegroundShare) String() string {
	text := fmt.Sprintf("foreground share of %d pictures and their twins:", f.Pictures)
	for _, part := range []struct {
		name string
		of   *eval.ForegroundShare
	}{{"embedding", f.Embedding}, {"features", f.Features}} {
		if part.of != nil {
			text += fmt.Sprintf("  %s %.3f", part.name, part.of.Share)
		}
	}
	return text
}

// A foreground share uses at most sharePictures pictures, each in sharePairs pairs of each kind.
const (
	sharePictures = 1000
	sharePairs    = 10
)

// MeasureShare returns the foreground share of a checkpoint on the test part of its data. It is nil if the data set
// cannot make twins.
func MeasureShare(ctx context.Context, k Checkpoint, o EvalOptions) (share *ForegroundShare, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := SetThreads(o.Threads); err != nil {
		return nil, err
	}
	err = torch.With(func(s *torch.Scope) error {
		st, err := k.Config.State(s, 0)
		if err != nil {
			return err
		}
		fill := func() error { return k.Fill(encoderAndHead(st)) }
		if k.IsForeign() {
			fill = func() error { return k.FillEncoder(o.Warn, st) }
		}
		if err := fill(); err != nil {
			return err
		}
		share, err = foregroundShare(ctx, s, st, k.Config, o)
		if share != nil && k.IsForeign() { // the head of another program's network is not loaded
			share.Embedding = nil
		}
		return err
	})
	return share, k.Config.Explain(err, ForwardRoom(o.BatchSize))
}

// encoderAndHead returns the tensors of the backbone, and those of the projector if there is one.
func encoderAndHead(st *meta.State) []nets.NamedTensor {
	out := st.Encoder()
	if !hasHead(st) {
		return out
	}
	for _, t := range st.Tensors() {
		if strings.HasPrefix(t.Name, model.ProjectorPart+".") {
			out = append(out, t)
		}
	}
	return out
}

// hasHead reports whether the network has a projector for whole pictures.
func hasHead(st *meta.State) bool {
	_, cuts := st.Method.(model.Cutter)
	return !cuts && st.Projector != nil
}

// foregroundShare measures the network on the test part of c's data. It is nil if the data set cannot make twins.
func foregroundShare(
	ctx context.Context, s *torch.Scope, st *meta.State, c Config, o EvalOptions,
) (*ForegroundShare, error) {
	test, err := c.Open(false)
	if err != nil {
		return nil, err
	}
	defer datasets.Close(test)
	t, err := datasets.TwinsOf(test)
	if err != nil { // the backgrounds are not known
		return nil, nil
	}
	t = t.First(sharePictures)
	full, _, err := c.Features(ctx, s, st, t.Pictures, o)
	if err != nil {
		return nil, err
	}
	twins, _, err := c.Features(ctx, s, st, t.Twins, o)
	if err != nil {
		return nil, err
	}
	return shareOf(s, st, full, twins, t)
}

// shareOf compares the features of pictures with those of their twins. It is nil if some pictures could not be read,
// since rows then do not match pictures. It is also nil if there are no pairs to compare.
func shareOf(s *torch.Scope, st *meta.State, full, twins eval.Features, t datasets.Twins) (*ForegroundShare, error) {
	n := len(t.Labels)
	if len(full.Labels) < n || len(twins.Labels) < n {
		return nil, nil
	}
	pairs, err := eval.ChooseSharePairs(t.Labels, t.Background, t.TwinBackground, sharePairs, 0)
	if err != nil {
		return nil, nil
	}
	out := ForegroundShare{Pictures: len(pairs.Twins)}
	if out.Features, err = measured(full.X, twins.X, pairs); err != nil || !hasHead(st) {
		return &out, err
	}
	out.Embedding, err = measured(project(s, st, full.X), project(s, st, twins.X), pairs)
	return &out, err
}

// measured returns the foreground share of embeddings. It is nil if they are constant, since they then have no share.
func measured(pictures, twins torch.Tensor, p eval.SharePairs) (*eval.ForegroundShare, error) {
	f, err := eval.MeasureForegroundShare(pictures, twins, p)
	if err != nil || math.IsNaN(f.Share) {
		return nil, err
	}
	return &f, nil
}

// project applies the projector to features [N, dim], with running statistics.
func project(s *torch.Scope, st *meta.State, h torch.Tensor) (z torch.Tensor) {
	pass := &model.Pass{Model: st.Model, Theta: st.Theta, Buffers: st.Buffers, State: st.ModelState, Mode: nets.Eval()}
	torch.NoGrad(func() { z = pass.Apply(s, model.ProjectorPart, s.To(h, st.Options())) })
	return z
}
