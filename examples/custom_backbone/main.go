// Command custom_backbone trains a backbone of one's own with SimCLR and MSR.
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

// gated is two convolutions, pooled, whose channels are weighted by what the
// picture shows on the whole (squeeze and excitation). It holds no tensor: it
// is a function of the parameters and buffers that it describes.
type gated struct {
	body, gate nets.Network
	dim        int64
}

func newGated(width int64) gated {
	return gated{
		body: nets.Seq(nets.Conv2d(3, width, 3, 2, 1), nets.BatchNorm(width), nets.ReLU(),
			nets.Conv2d(width, 2*width, 3, 2, 1), nets.BatchNorm(2*width), nets.ReLU(), nets.GlobalAvgPool()),
		gate: nets.Seq(nets.Linear(2*width, width), nets.ReLU(), nets.Linear(width, 2*width)),
		dim:  2 * width,
	}
}

// Params and what follows make it a nets.Encoder.
func (g gated) Params() []nets.Spec {
	return append(nets.Prefix("body", g.body.Params()), nets.Prefix("gate", g.gate.Params())...)
}
func (g gated) Buffers() []nets.Spec { return nets.Prefix("body", g.body.Buffers()) }
func (g gated) Dim() int64           { return g.dim }

// Forward maps x [N, 3, H, W] to [N, Dim]. A mode passes through to the parts.
func (g gated) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m nets.Mode) torch.Tensor {
	n := len(g.body.Params())
	h := g.body.Forward(s, p[:n], b, x, m)
	return s.Mul(h, s.Sigmoid(g.gate.Forward(s, p[n:], nil, h, m)))
}

func run(ctx context.Context, epochs, pictures int) error {
	method, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 64, Dim: 32})
	if err != nil {
		return err
	}
	m, err := model.New(method, newGated(16))
	if err != nil {
		return err
	}
	c := meta.Default()
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.25, N: c.NumWeights, C: m.WeightWidth(c.Space)})
	if err != nil {
		return err
	}
	pics, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: pictures, Correlation: 0.5, Seed: 1})
	if err != nil {
		return err
	}
	aug := transforms.CIFAR()
	loader, err := datasets.NewLoader(pics, datasets.LoaderOptions{BatchSize: 32, Shuffle: true, DropLast: true, Seed: 1,
		Views: []datasets.Augment{&aug.View, &aug.View}, Plain: &aug.Plain})
	if err != nil {
		return err
	}
	source := meta.Feed(loader, func(b *datasets.Batch) meta.HostBatch {
		return meta.HostBatch{N: b.N, Size: 32, Sizes: []int{32, 32}, Views: b.Views, Plain: b.Plain}
	})
	return torch.With(func(s *torch.Scope) error {
		state, err := meta.NewState(s, meta.StateOptions{Model: m, MSR: msr, Optimizer: nets.OptimizerConfig{Name: "adam"}, Seed: 1, Options: torch.Float32()})
		if err != nil {
			return err
		}
		fmt.Printf("%d parameters, the first %s\n", nets.Count(m.Params()), m.Params()[0].Name)
		return (&meta.Trainer{State: state, Config: c, Source: source,
			Schedule: nets.Schedule{Kind: "constant", LR: 3e-3, Epochs: epochs, Steps: loader.Steps()},
			Hooks: []meta.Hook{{OnEpoch: func(_ *meta.State, e meta.Epoch) error {
				fmt.Printf("epoch %d: L_ct %.3f, L_msr %.3f, L_uni %.3f\n", e.Epoch+1, e.LCt, e.LMsr, e.LUni)
				return nil
			}}}}).Run(ctx)
	})
}

func main() {
	epochs, pictures := flag.Int("epochs", 5, "passes over the data"), flag.Int("pictures", 1000, "drawn for training")
	flag.Parse()
	if err := run(context.Background(), *epochs, *pictures); err != nil {
		fmt.Fprintln(os.Stderr, "custom_backbone:", err)
		os.Exit(1)
	}
}
