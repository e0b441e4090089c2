// Command custom_backbone trains a backbone of your own with SimCLR and MSR.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// gated is a small convolutional network with squeeze and excitation (arXiv 1709.01507): a gate
// computed from the pooled features scales each channel. The struct holds no tensor. It is a
// function of the parameters and buffers that it describes.
type gated struct {
	body, gate nets.Network
	dim        int64
}

func newGated(width int64) gated {
	return gated{
		body: nets.Seq(
			nets.Conv2d(3, width, 3, 2, 1),
			nets.BatchNorm(width),
			nets.ReLU(),
			nets.Conv2d(width, 2*width, 3, 2, 1),
			nets.BatchNorm(2*width),
			nets.ReLU(),
			nets.GlobalAvgPool(),
		),
		gate: nets.Seq(
			nets.Linear(2*width, width),
			nets.ReLU(),
			nets.Linear(width, 2*width),
		),
		dim: 2 * width,
	}
}

// Params, Buffers, Dim and Forward make gated a nets.Encoder.
func (g gated) Params() []nets.Spec {
	return append(nets.Prefix("body", g.body.Params()), nets.Prefix("gate", g.gate.Params())...)
}

func (g gated) Buffers() []nets.Spec { return nets.Prefix("body", g.body.Buffers()) }

func (g gated) Dim() int64 { return g.dim }

// Forward maps pictures x [N, 3, H, W] to features [N, Dim]. It hands the mode to its parts.
func (g gated) Forward(s *torch.Scope, params, buffers []torch.Tensor, x torch.Tensor, mode nets.Mode) torch.Tensor {
	n := len(g.body.Params())
	features := g.body.Forward(s, params[:n], buffers, x, mode)
	gate := s.Sigmoid(g.gate.Forward(s, params[n:], nil, features, mode))
	return s.Mul(features, gate)
}

func newModel() (*model.Model, error) {
	method, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 64, Dim: 32})
	if err != nil {
		return nil, err
	}
	return model.New(method, newGated(16))
}

func newLoader(pictures int) (*datasets.Loader, error) {
	ds, err := datasets.Open(datasets.Options{
		Name:        "shapes",
		Train:       true,
		Count:       pictures,
		Correlation: 0.5,
		Seed:        1,
	})
	if err != nil {
		return nil, err
	}
	augment := transforms.CIFAR()
	return datasets.NewLoader(ds, datasets.LoaderOptions{
		BatchSize: 32,
		Shuffle:   true,
		DropLast:  true,
		Seed:      1,
		Views:     []datasets.Augment{&augment.View, &augment.View},
		Plain:     &augment.Plain,
	})
}

// toMeta names the fields of a loader's batch that the trainer needs. All views are 32x32 pixels.
func toMeta(b *datasets.Batch) meta.HostBatch {
	return meta.HostBatch{N: b.N, Size: 32, Sizes: []int{32, 32}, Views: b.Views, Plain: b.Plain}
}

func printEpoch(_ *meta.State, e meta.Epoch) error {
	_, err := fmt.Printf("epoch %d: L_ct %.3f, L_msr %.3f, L_uni %.3f\n", e.Epoch+1,
		e.Value("l_ct"), e.Value("l_msr"), e.Value("l_uni"))
	return err
}

func run(ctx context.Context, epochs, pictures int) error {
	m, err := newModel()
	if err != nil {
		return err
	}
	config := meta.Default()
	msr, err := nets.NewMSR(nets.MSRConfig{
		Trunk: "conv4",
		Width: 0.25,
		N:     config.NumWeights,
		C:     m.WeightWidth(config.Space),
	})
	if err != nil {
		return err
	}
	loader, err := newLoader(pictures)
	if err != nil {
		return err
	}
	return torch.With(func(s *torch.Scope) error {
		state, err := meta.NewState(s, meta.StateOptions{
			Model:     m,
			MSR:       msr,
			Optimizer: nets.OptimizerConfig{Name: "adam"},
			Seed:      1,
			Options:   torch.Float32(),
		})
		if err != nil {
			return err
		}
		fmt.Printf("%d parameters, the first %s\n", nets.Count(m.Params()), m.Params()[0].Name)
		trainer := meta.Trainer{
			State:    state,
			Config:   config,
			Source:   meta.Feed(loader, toMeta),
			Schedule: nets.Schedule{Kind: "constant", LR: 3e-3, Epochs: epochs, Steps: loader.Steps()},
			Hooks:    []meta.Hook{{OnEpoch: printEpoch}},
		}
		return trainer.Run(ctx)
	})
}

func main() {
	epochs := flag.Int("epochs", 5, "passes over the data")
	pictures := flag.Int("pictures", 1000, "number of pictures drawn for training")
	flag.Parse()
	if err := run(context.Background(), *epochs, *pictures); err != nil {
		fmt.Fprintln(os.Stderr, "custom_backbone:", err)
		os.Exit(1)
	}
}
