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

// batch turns a loader's batch into a trainer's.
func (s source) batch(b *datasets.Batch) meta.HostBatch {
	indices := make([]int64, len(b.Indices))
	for k, i := range b.Indices {
		indices[k] = int64(i)
	}
	return meta.HostBatch{
		N:       b.N,
		Total:   b.Total,
		Size:    s.size,
		Sizes:   s.sizes,
		Views:   b.Views,
		Plain:   b.Plain,
		Indices: indices,
		Device:  b.Finish,
	}
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

// source makes the source of batches of a rank, and prints a note on each view that the host makes.
func (c *Config) source(
	ctx context.Context, s *torch.Scope, w io.Writer, ds datasets.Dataset, views []model.View, rank, ranks int,
) (source, error) {
	if err := c.checkBatch(ranks); err != nil {
		return source{}, err
	}
	aug, err := c.Augmentation()
	if err != nil {
		return source{}, err
	}
	o := datasets.LoaderOptions{
		BatchSize: c.BatchSize,
		Shuffle:   true,
		DropLast:  true,
		Seed:      c.Seed,
		Workers:   c.Workers,
		Scaled:    c.ScaledDecode,
		Rank:      rank,
		Ranks:     ranks,
	}
	src := source{size: c.Size}
	if o.Bad, err = c.SkipBad(w, ds.Len()); err != nil {
		return src, err
	}
	pipelines, err := pipelinesOf(aug, views)
	if err != nil {
		return src, err
	}
	for _, p := range pipelines {
		o.Views, src.sizes = append(o.Views, p), append(src.sizes, p.Size)
	}
	if src.place, err = c.place(ctx, s, w, ds, pipelines); err != nil {
		return src, err
	}
	o.Staged, o.Kept = src.place.device, src.place.kept
	if err := c.intervene(ctx, s, ds, &o, &src); err != nil {
		return src, err
	}
	if o.Staged {
		c.tellHostViews(w, pipelines)
	}
	err = c.openLoaders(&src, ds, o, &aug.Plain)
	return src, err
}

// checkBatch returns an error if batches of the configuration's size cannot be trained on so many ranks.
func (c *Config) checkBatch(ranks int) error {
	if c.BatchSize < 2 {
		return usage.Errorf("{train.BatchSize} %d: a contrastive loss needs 2 pictures or more", c.BatchSize)
	}
	share, part := c.BatchSize/ranks, c.microBatch(ranks)
	if part < 0 || part > 0 && share%part != 0 {
		return usage.Errorf("{train.MicroBatch} %d: want a divisor of the %d pictures of a step on each process",
			c.MicroBatch, share)
	}
	if c.UseMSR && c.Recompute && c.MSR.GradientMethod == meta.Unrolled {
		return usage.Errorf("{train.Recompute} keeps no graph, and {meta.GradientMethod} unrolled differentiates " +
			"through one: use {meta.GradientMethod} forward-mode, which is exact too, or {train.MicroBatch}")
	}
	return nil
}

// pipelinesOf returns the pipeline of each view.
func pipelinesOf(aug transforms.Preset, views []model.View) (out []*transforms.Pipeline, err error) {
	for _, v := range views {
		p, err := view(aug, v)
		if err != nil {
			return nil, err
		}
		out = append(out, &p)
	}
	return out, nil
}

// tellHostViews prints which views the host makes, since the device cannot.
func (c *Config) tellHostViews(w io.Writer, views []*transforms.Pipeline) {
	for _, p := range views {
		if err := p.CheckDevice(); err != nil {
			field.Fprintf(w, "note: a view of %s is made on the host: %v\n", c.Method, err)
		}
	}
}

// openLoaders opens the loader of training and the one of pictures without augmentation.
func (c *Config) openLoaders(
	src *source, ds datasets.Dataset, o datasets.LoaderOptions, plain *transforms.Plain,
) (err error) {
	if c.UseMSR {
		o.Plain = plain
	}
	if src.Loader, err = datasets.NewLoader(ds, o); err != nil {
		if uneven := (*datasets.UnevenBatchError)(nil); errors.As(err, &uneven) {
			err = usage.Wrap(err)
		}
		return err
	}
	src.plain, err = datasets.NewLoader(ds, datasets.LoaderOptions{
		BatchSize: c.BatchSize,
		Workers:   c.Workers,
		Plain:     plain,
		Kept:      o.Kept,
		Bad:       o.Bad,
		Rank:      o.Rank,
		Ranks:     o.Ranks,
	})
	return err
}
