package main

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/transforms"
)

// source feeds a trainer from a loader.
type source struct {
	*datasets.Loader
	plain *datasets.Loader // un-augmented pictures in order
	size  int              // of the un-augmented picture
	sizes []int            // of the views
}

// Pass implements meta.Source.
func (s source) Pass(ctx context.Context, n uint64, from, step int) iter.Seq2[meta.Batch, error] {
	return func(yield func(meta.Batch, error) bool) {
		for b, err := range s.Every(ctx, n, from, step) {
			if err != nil {
				yield(meta.Batch{}, err)
				return
			}
			if !yield(s.batch(b), nil) {
				return
			}
		}
	}
}

func (s source) batch(b *datasets.Batch) meta.Batch {
	indices := make([]int64, len(b.Indices))
	for k, i := range b.Indices {
		indices[k] = int64(i)
	}
	return meta.Batch{N: b.N, Size: s.size, Sizes: s.sizes, Views: b.Views, Plain: b.Plain, Indices: indices}
}

// Survey implements meta.Surveyor.
func (s source) Survey(ctx context.Context) iter.Seq2[meta.Batch, error] {
	return func(yield func(meta.Batch, error) bool) {
		for b, err := range s.plain.Epoch(ctx, 0, 0) {
			if err != nil {
				yield(meta.Batch{}, err)
				return
			}
			if !yield(s.batch(b), nil) {
				return
			}
		}
	}
}

func (c *config) source(w io.Writer, ds datasets.Dataset, views []methods.View) (source, error) {
	if c.BatchSize < 2 {
		return source{}, usagef("--batch-size %d: a contrastive loss needs 2 pictures or more", c.BatchSize)
	}
	aug, err := c.augmentation()
	if err != nil {
		return source{}, err
	}
	o := datasets.LoaderOptions{BatchSize: c.BatchSize, Shuffle: true, DropLast: true, Seed: c.Seed, Workers: c.Workers}
	src := source{size: c.Size}
	if o.Bad, err = c.badPictures(w, ds.Len()); err != nil {
		return src, err
	}
	for _, v := range views {
		p, err := view(aug, v)
		if err != nil {
			return src, err
		}
		o.Views, src.sizes = append(o.Views, &p), append(src.sizes, p.Size)
	}
	if c.MSR {
		o.Plain = &aug.Plain
	}
	if src.Loader, err = datasets.NewLoader(ds, o); err != nil {
		return src, err
	}
	src.plain, err = datasets.NewLoader(ds, datasets.LoaderOptions{BatchSize: c.BatchSize, Workers: c.Workers, Plain: &aug.Plain, Bad: o.Bad})
	return src, err
}

// view is the pipeline of a kind of view.
func view(aug transforms.Preset, v methods.View) (transforms.Pipeline, error) {
	switch v {
	case methods.Strong:
		return aug.View, nil
	case methods.Weak:
		return aug.Weak(), nil
	case methods.Small:
		return aug.Small(), nil
	case methods.Rand:
		return aug.InfoMin(), nil
	case methods.Lab:
		return aug.View, nil // the whole preset is in Lab: augmentation
	}
	return transforms.Pipeline{}, fmt.Errorf("a view of unknown kind %q", v)
}
