package train

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// source is a trainer's source of batches, from loaders.
type source struct {
	*datasets.Loader
	plain   *datasets.Loader // pictures without augmentation, in order
	size    int              // of the picture without augmentation
	sizes   []int            // of the views
	place   place
	notes   []string   // of the interventions
	weights logWeights // of negatives; nil: all count alike
}

// Batches implements meta.Source.
func (s source) Batches(ctx context.Context, n uint64, from, step int) iter.Seq2[meta.HostBatch, error] {
	return meta.Feed(s.Loader, s.batch).Batches(ctx, n, from, step)
}

func (s source) batch(b *datasets.Batch) meta.HostBatch {
	indices := make([]int64, len(b.Indices))
	for k, i := range b.Indices {
		indices[k] = int64(i)
	}
	return meta.HostBatch{N: b.N, Total: b.Total, Size: s.size, Sizes: s.sizes, Views: b.Views, Plain: b.Plain,
		Indices: indices, Device: b.Finish}
}

// Survey implements meta.Surveyor.
func (s source) Survey(ctx context.Context) iter.Seq2[meta.HostBatch, error] {
	return meta.Feed(s.plain, s.batch).Batches(ctx, 0, 0, 1)
}

// microBatch returns the number of pictures that a process computes at a time; 0 means its whole share of a step. A
// recipe's micro-batch may be larger than that share.
func (c *Config) microBatch(ranks int) int {
	if c.MicroBatch > c.BatchSize/ranks {
		return 0
	}
	return c.MicroBatch
}

func (c *Config) source(
	ctx context.Context, s *torch.Scope, w io.Writer, ds datasets.Dataset, views []model.View, rank, ranks int,
) (source, error) {
	if c.BatchSize < 2 {
		return source{}, usage.Errorf("{train.BatchSize} %d: a contrastive loss needs 2 pictures or more", c.BatchSize)
	}
	share, part := c.BatchSize/ranks, c.microBatch(ranks)
	if part < 0 || part > 0 && share%part != 0 {
		return source{}, usage.Errorf("{train.MicroBatch} %d: want a divisor of the %d pictures of a step on each process",
			c.MicroBatch, share)
	}
	if c.UseMSR && c.Recompute && c.MSR.GradientMethod == meta.Unrolled {
		return source{}, usage.Errorf("{train.Recompute} keeps no graph, and {meta.GradientMethod} unrolled differentiates " +
			"through one: use {meta.GradientMethod} forward-mode, which is exact too, or {train.MicroBatch}")
	}
	aug, err := c.Augmentation()
	if err != nil {
		return source{}, err
	}
	o := datasets.LoaderOptions{BatchSize: c.BatchSize, Shuffle: true, DropLast: true, Seed: c.Seed, Workers: c.Workers,
		Scaled: c.ScaledDecode, Rank: rank, Ranks: ranks}
	src := source{size: c.Size}
	var pipelines []*transforms.Pipeline
	if o.Bad, err = c.SkipBad(w, ds.Len()); err != nil {
		return src, err
	}
	for _, v := range views {
		p, err := view(aug, v)
		if err != nil {
			return src, err
		}
		o.Views, src.sizes, pipelines = append(o.Views, &p), append(src.sizes, p.Size), append(pipelines, &p)
	}
	if src.place, err = c.place(ctx, s, w, ds, pipelines); err != nil {
		return src, err
	}
	o.Staged, o.Kept = src.place.device, src.place.kept
	if err := c.intervene(ctx, s, ds, &o, &src); err != nil {
		return src, err
	}
	for _, p := range pipelines {
		if err := p.CheckDevice(); err != nil && o.Staged {
			field.Fprintf(w, "note: a view of %s is made on the host: %v\n", c.Method, err)
		}
	}
	if c.UseMSR {
		o.Plain = &aug.Plain
	}
	if src.Loader, err = datasets.NewLoader(ds, o); err != nil {
		if uneven := (*datasets.UnevenBatchError)(nil); errors.As(err, &uneven) {
			err = usage.Wrap(err)
		}
		return src, err
	}
	src.plain, err = datasets.NewLoader(ds,
		datasets.LoaderOptions{BatchSize: c.BatchSize, Workers: c.Workers, Plain: &aug.Plain, Kept: o.Kept, Bad: o.Bad,
			Rank: rank, Ranks: ranks})
	return src, err
}
