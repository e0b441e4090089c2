// Program outside uses each public package from a module of its own.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/transforms"
)

// plain is a method that only this module has.
type plain struct{ model.Method }

func (plain) Name() string { return "plain" }
func (plain) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.NTXent(s, p.Pair(), 0.5)
}

func run(ctx context.Context, s *torch.Scope) error {
	if err := torch.SetThreads(1); err != nil {
		return err
	}
	job, err := dist.Join(dist.Options{Same: []dist.Setting{{Name: "--example", Value: "outside"}}})
	if err != nil {
		return err
	}
	defer job.Close()
	base, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 16, Dim: 8})
	if err != nil {
		return err
	}
	layers := nets.Seq(nets.Conv2d(3, 8, 3, 2, 1), nets.ReLU(), nets.GlobalAvgPool())
	m, err := model.New(plain{base}, nets.WithDim(layers, 8))
	if err != nil {
		return err
	}
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.125, N: 6, C: 8})
	if err != nil {
		return err
	}
	pictures, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: 40, Size: 16, Seed: 1})
	if err != nil {
		return err
	}
	aug := transforms.CIFAR().WithSize(16)
	loader, err := datasets.NewLoader(pictures, datasets.LoaderOptions{
		BatchSize: 20,
		Rank:      job.Rank,
		Ranks:     job.Size,
		Views:     []datasets.Augment{&aug.View, &aug.View},
		Plain:     &aug.Plain,
	})
	if err != nil {
		return err
	}
	st, err := meta.NewState(s, meta.StateOptions{
		Model:     m,
		MSR:       msr,
		Optimizer: nets.OptimizerConfig{Name: "sgd"},
		Seed:      1,
		Options:   torch.Float32(),
	})
	if err != nil {
		return err
	}
	source := meta.Feed(loader, func(b *datasets.Batch) meta.HostBatch {
		return meta.HostBatch{N: b.N, Size: 16, Sizes: []int{16, 16}, Views: b.Views, Plain: b.Plain}
	})
	trainer := meta.Trainer{
		State:    st,
		Config:   meta.Default(),
		Source:   source,
		Exec:     model.Exec{Group: job.Group, SyncBatchNorm: true},
		Schedule: nets.Schedule{Kind: "constant", LR: 0.1, Epochs: 1, Steps: loader.Steps()},
	}
	if err := trainer.Run(ctx); err != nil {
		return err
	}
	features, err := eval.Extract(ctx, s, func(yield func(eval.Batch, error) bool) {
		for b, err := range loader.Epoch(ctx, 0, 0) {
			if err != nil || !yield(eval.Batch{Pictures: b.Plain, Labels: b.Labels, Size: 16}, nil) {
				return
			}
		}
	}, torch.Float32(), pictures.Len(), 10, st.Features)
	if err != nil {
		return err
	}
	c := eval.DefaultKNN()
	c.K = 1
	knn, err := eval.KNN(features, features, c)
	if err != nil {
		return err
	}
	rows := torch.Slice[float32](s, features.X)
	fmt.Printf("%d steps, %d numbers, 1-NN on itself %.0f%%, %d parts\n", st.Position.Step, len(rows), 100*knn,
		len(m.Parts()))
	shape := s.Shape(features.X)
	tensor := torchscript.Tensor{Name: "x", DType: "F32", Shape: shape, Data: s.Bytes(features.X)}
	return torchscript.WriteSafetensorsFile("features.safetensors", []torchscript.Tensor{tensor}, nil)
}

func main() {
	if err := torch.With(func(s *torch.Scope) error { return run(context.Background(), s) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
