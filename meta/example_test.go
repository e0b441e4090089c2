package meta_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// noise is a source of three batches of random pictures.
type noise struct{}

func (noise) Steps() int            { return 3 }
func (noise) Waited() time.Duration { return 0 }
func (noise) Batches(_ context.Context, n uint64, from, step int) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		for i := from; i < 3; i += step {
			rng := rand.New(rand.NewPCG(n, uint64(i)))
			draw := func() []float32 {
				x := make([]float32, 4*3*8*8)
				for k := range x {
					x[k] = float32(rng.NormFloat64())
				}
				return x
			}
			if !yield(meta.HostBatch{N: 4, Size: 8, Sizes: []int{8, 8}, Views: [][]float32{draw(), draw()}, Plain: draw()},
				nil) {
				return
			}
		}
	}
}

// Algorithm 1 on a small network: what a training script of one's own does.
func ExampleTrainer() {
	if err := train(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// epoch 0: 3 regular steps, 3 meta steps in all
	// epoch 1: 6 regular steps, 6 meta steps in all
}

func train() error {
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.125)
	if err != nil {
		return err
	}
	simclr, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 16, Dim: 8})
	if err != nil {
		return err
	}
	m, err := model.New(simclr, backbone)
	if err != nil {
		return err
	}
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.25, N: 6, C: 8})
	if err != nil {
		return err
	}
	s := torch.NewScope()
	defer s.Close()
	state, err := meta.NewState(s, meta.StateOptions{Model: m, MSR: msr,
		Optimizer: nets.OptimizerConfig{Name: "adam", WeightDecay: 1e-6}, Seed: 1, Options: torch.Float32()})
	if err != nil {
		return err
	}
	t := meta.Trainer{State: state, Config: meta.Default(), Source: noise{},
		Schedule: nets.Schedule{Kind: "constant", LR: 1e-3, Epochs: 2, Steps: 3},
		Hooks: []meta.Hook{{OnEpoch: func(st *meta.State, e meta.Epoch) error {
			fmt.Printf("epoch %d: %d regular steps, %d meta steps in all\n", e.Epoch, st.Position.Step, st.Position.MetaSteps)
			return nil
		}}}}
	return t.Run(context.Background())
}
