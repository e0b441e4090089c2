// Command custom_method trains a method of your own, without and with MSR, from the same
// parameters. Package methods needs no change for it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

const size = 16 // side of a view in pixels

// spread draws the views of a picture together, and pushes pictures apart by VICReg's variance
// term alone. The embedded SimCLR gives the views, the networks and tau of the do-loss.
type spread struct{ methods.Method }

func (spread) Name() string { return "spread" }

func (spread) Loss(s *torch.Scope, p *methods.Pass) torch.Tensor {
	const invariance, variance, covariance = 25, 25, 0
	return losses.VICReg(s, p.Z[0], p.Z[1], invariance, variance, covariance)
}

func newModel() (*methods.Model, error) {
	simclr, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 64, Dim: 32})
	if err != nil {
		return nil, err
	}
	backbone, err := nets.NewBackbone("resnet10", nets.StemCIFAR, 0.125)
	if err != nil {
		return nil, err
	}
	return methods.NewModel(spread{simclr}, backbone)
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
	augment := transforms.CIFAR().WithSize(size)
	return datasets.NewLoader(ds, datasets.LoaderOptions{
		BatchSize: 32,
		Shuffle:   true,
		DropLast:  true,
		Seed:      1,
		Views:     []datasets.Augment{&augment.View, &augment.View},
		Plain:     &augment.Plain,
	})
}

func toMeta(b *datasets.Batch) meta.Batch {
	return meta.Batch{N: b.N, Size: size, Sizes: []int{size, size}, Views: b.Views, Plain: b.Plain}
}

// train returns the mean L_ct of the last epoch.
func train(ctx context.Context, withMSR bool, epochs, pictures int) (lastLoss float64, err error) {
	model, err := newModel()
	if err != nil {
		return 0, err
	}
	config := meta.Default()
	var msr *nets.MSR // nil trains the method alone
	if withMSR {
		msr, err = nets.NewMSR(nets.MSRConfig{
			Trunk: "conv4",
			Width: 0.25,
			N:     config.NumWeights,
			C:     model.WeightWidth(config.Space),
		})
		if err != nil {
			return 0, err
		}
	}
	loader, err := newLoader(pictures)
	if err != nil {
		return 0, err
	}
	keepLoss := func(_ *meta.State, e meta.Epoch) error {
		lastLoss = e.LCt
		return nil
	}
	err = torch.With(func(s *torch.Scope) error {
		state, err := meta.NewState(s, meta.StateOptions{
			Model:     model,
			MSR:       msr,
			Optimizer: nets.OptimizerConfig{Name: "adam"},
			Seed:      1,
			Options:   torch.Float32(),
		})
		if err != nil {
			return err
		}
		trainer := meta.Trainer{
			State:    state,
			Config:   config,
			Source:   meta.Feed(loader, toMeta),
			Schedule: nets.Schedule{Kind: "constant", LR: 3e-3, Epochs: epochs, Steps: loader.Steps()},
			Hooks:    []meta.Hook{{OnEpoch: keepLoss}},
		}
		return trainer.Run(ctx)
	})
	return lastLoss, err
}

func main() {
	epochs := flag.Int("epochs", 5, "passes over the data")
	pictures := flag.Int("pictures", 1000, "number of pictures drawn for training")
	flag.Parse()
	for _, withMSR := range []bool{false, true} {
		loss, err := train(context.Background(), withMSR, *epochs, *pictures)
		if err != nil {
			fmt.Fprintln(os.Stderr, "custom_method:", err)
			os.Exit(1)
		}
		fmt.Printf("spread, MSR %t: L_ct %.3f in the last epoch\n", withMSR, loss)
	}
}
