// Command custom_method trains a method of your own, without and with MSR, from the same parameters. Package methods
// needs no change for it.
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
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// spread draws views together, and pushes pictures apart by VICReg's variance term. The do-loss of MSR has embeddings
// of earlier batches, from a queue, among its negatives. Views and head are those of most methods (methods.Base).
type spread struct{ methods.Base }

const queue = "queue"

func newSpread(c methods.Config) (model.Method, error) {
	base, err := methods.NewBase("spread", c, methods.Option{Name: "variance", Default: 25, About: "weight"})
	return spread{base}, err
}

// Networks implements model.Method: those of most methods, and a queue.
func (m spread) Networks(backbone nets.Encoder) (model.Networks, error) {
	n, err := m.Base.Networks(backbone)
	n.State = append(n.State, model.QueueSpec(queue, m.Config.Queue, m.Config.Dim))
	return n, err
}

// Loss implements model.Method.
func (m spread) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	return losses.VICReg(s, p.Z[0], p.Z[1], 25, m.Option("variance"), 0)
}

// Contrast implements model.Contraster.
func (m spread) Contrast(s *torch.Scope, p *model.Pass) losses.Pair {
	return p.PairWithQueue(s, queue)
}

// Update implements model.Updater.
func (m spread) Update(s *torch.Scope, p *model.Pass) { p.Enqueue(s, queue, p.Z[1]) }

// train returns the mean L_ct of the last epoch.
func train(ctx context.Context, withMSR bool, epochs, pictures int) (last float64, err error) {
	method, err := newSpread(methods.Config{Temperature: 0.5, Hidden: 64, Dim: 32, Queue: 256})
	if err != nil {
		return 0, err
	}
	backbone, err := nets.NewBackbone("resnet10", nets.StemCIFAR, 0.125)
	if err != nil {
		return 0, err
	}
	m, err := model.New(method, backbone)
	if err != nil {
		return 0, err
	}
	c := meta.Default()
	var msr *nets.MSR // nil: the method alone
	if withMSR {
		if msr, err = nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.25, N: c.NumWeights,
			C: m.WeightWidth(c.Space)}); err != nil {
			return 0, err
		}
	}
	pics, err := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: pictures, Correlation: 0.5, Seed: 1})
	if err != nil {
		return 0, err
	}
	aug := transforms.CIFAR().WithSize(16)
	loader, err := datasets.NewLoader(pics, datasets.LoaderOptions{BatchSize: 32, Shuffle: true, DropLast: true, Seed: 1,
		Views: []datasets.Augment{&aug.View, &aug.View}, Plain: &aug.Plain})
	if err != nil {
		return 0, err
	}
	source := meta.Feed(loader, func(b *datasets.Batch) meta.HostBatch {
		return meta.HostBatch{N: b.N, Size: 16, Sizes: []int{16, 16}, Views: b.Views, Plain: b.Plain}
	})
	err = torch.With(func(s *torch.Scope) error {
		state, err := meta.NewState(s, meta.StateOptions{Model: m, MSR: msr, Optimizer: nets.OptimizerConfig{Name: "adam"},
			Seed: 1, Options: torch.Float32()})
		if err != nil {
			return err
		}
		return (&meta.Trainer{State: state, Config: c, Source: source,
			Schedule: nets.Schedule{Kind: "constant", LR: 3e-3, Epochs: epochs, Steps: loader.Steps()},
			Hooks: []meta.Hook{{OnEpoch: func(_ *meta.State, e meta.Epoch) error {
				last = e.Value("l_ct")
				return nil
			}}}}).Run(ctx)
	})
	return last, err
}

func main() {
	epochs, pictures := flag.Int("epochs", 5, "passes over the data"), flag.Int("pictures", 1000, "drawn for training")
	flag.Parse()
	for _, msr := range []bool{false, true} {
		loss, err := train(context.Background(), msr, *epochs, *pictures)
		if err != nil {
			fmt.Fprintln(os.Stderr, "custom_method:", err)
			os.Exit(1)
		}
		fmt.Printf("spread, MSR %t: L_ct %.3f in the last epoch\n", msr, loss)
	}
}
