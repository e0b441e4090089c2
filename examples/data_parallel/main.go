// Command data_parallel trains SimCLR with MSR in a plain loop: alone, or as a job of several
// processes under torchrun --no-python.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

const (
	size         = 32 // side of a view in pixels
	batchSize    = 32 // pictures of a step, over all processes
	dim          = 32 // of the embeddings
	learningRate = 0.01
)

// trainer has the same state on every rank, and every rank changes it alike.
type trainer struct {
	*meta.State
	config meta.Config
	exec   model.Exec // on the ranks of the job
	job    *dist.Job
}

// regularStep moves theta. This rank's share of the batch goes in; loss and gradient are those of
// the whole batch.
func (t *trainer) regularStep(s *torch.Scope, b model.Batch) (float64, error) {
	weights := t.exec.Evaluate(s, t.MSR, t.Phi, t.PhiBuffers, b.Plain, nets.Train())
	pass := &model.Pass{
		Model:   t.Model,
		Exec:    t.exec,
		Theta:   t.Theta,
		Buffers: t.Buffers,
		State:   t.ModelState,
		Batch:   b,
		Mode:    nets.Train(),
		Space:   t.config.Space,
		A:       weights,
	}
	var loss torch.Tensor
	gradient := pass.Gradient(s, func() torch.Tensor {
		loss = s.Add(pass.Loss(s, pass), s.MulScalar(pass.DoLoss(s), t.config.Lambda))
		return loss
	})
	t.ThetaOpt.Step(s, t.Theta, gradient, learningRate)
	return s.Item(loss), s.Err()
}

// metaStep moves phi, through the fast weights.
func (t *trainer) metaStep(s *torch.Scope, b model.Batch) (float64, error) {
	result, err := meta.Problem{
		Model:      t.Model,
		Config:     t.config,
		MSR:        t.MSR,
		Theta:      t.Theta,
		Buffers:    t.Buffers,
		ModelState: t.ModelState,
		Phi:        t.Phi,
		PhiBuffers: t.PhiBuffers,
		Inner:      b,
		Outer:      b,
		Exec:       t.exec,
	}.Gradient(s)
	if err != nil {
		return 0, err
	}
	t.PhiOpt.Step(s, t.Phi, result.Grad, t.config.Beta)
	return result.LCtFast + t.config.Gamma*result.LUni, s.Err()
}

func newModel() (*model.Model, error) {
	backbone, err := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.25)
	if err != nil {
		return nil, err
	}
	method, err := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 64, Dim: dim})
	if err != nil {
		return nil, err
	}
	return model.New(method, backbone)
}

func newTrainer(s *torch.Scope, job *dist.Job) (*trainer, error) {
	config := meta.Default()
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	msr, err := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.25, N: config.NumWeights, C: dim})
	if err != nil {
		return nil, err
	}
	state, err := meta.NewState(s, meta.StateOptions{
		Model:     m,
		MSR:       msr,
		Optimizer: nets.OptimizerConfig{Name: "sgd", Momentum: 0.9},
		Seed:      1,
		Options:   torch.Options{DType: torch.F32, Device: job.Device},
	})
	if err != nil {
		return nil, err
	}
	exec := model.Exec{Group: job.Group, SyncBatchNorm: true}
	return &trainer{state, config, exec, job}, nil
}

func newLoader(job *dist.Job, pictures int) (*datasets.Loader, error) {
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
		BatchSize: batchSize,
		Shuffle:   true,
		DropLast:  true,
		Seed:      1,
		Rank:      job.Rank,
		Ranks:     job.Size,
		Views:     []datasets.Augment{&augment.View, &augment.View},
		Plain:     &augment.Plain,
	})
}

// upload copies a batch to the device in one piece: both views and the plain pictures.
func (t *trainer) upload(s *torch.Scope, b *datasets.Batch) model.Batch {
	data := slices.Concat(b.Views[0], b.Views[1], b.Plain)
	x := torch.FromSlice(s, data, t.job.Device, 3, int64(b.N), 3, size, size)
	return model.Batch{
		Views: []torch.Tensor{s.Select(x, 0, 0), s.Select(x, 0, 1)},
		Plain: s.Select(x, 0, 2),
	}
}

type step func(*torch.Scope, model.Batch) (float64, error)

// pass takes one step for each batch and returns the mean of the losses.
func (t *trainer) pass(loader *datasets.Loader, number uint64, take step) (float64, error) {
	sum := 0.0
	for b, err := range loader.Epoch(context.Background(), number, 0) {
		if err != nil {
			return 0, err
		}
		err = torch.With(func(s *torch.Scope) error { // frees the step's tensors at its end
			loss, err := take(s, t.upload(s, b))
			sum += loss
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return sum / float64(loader.Steps()), nil
}

// train is Algorithm 1: each epoch has a pass of regular steps and a pass of meta steps.
func train(s *torch.Scope, job *dist.Job, epochs, pictures int) error {
	t, err := newTrainer(s, job)
	if err != nil {
		return err
	}
	loader, err := newLoader(job, pictures)
	if err != nil {
		return err
	}
	passes := []struct {
		name string
		step step
	}{{"loss", t.regularStep}, {"meta objective", t.metaStep}}
	for epoch := range epochs {
		for k, p := range passes {
			mean, err := t.pass(loader, uint64(2*epoch+k), p.step)
			if err != nil {
				return err
			}
			// Rank 0 prints, while the others wait. This is also the place to evaluate and save.
			err = job.Lead(func() error {
				_, err := fmt.Printf("epoch %d, %s: %.4f\n", epoch+1, p.name, mean)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// run joins the job and trains. All ranks must have the same settings.
func run(device string, epochs, pictures int) error {
	job, err := dist.Join(dist.Options{
		Device: device,
		Same: []dist.Setting{
			{Name: "-epochs", Value: fmt.Sprint(epochs)},
			{Name: "-pictures", Value: fmt.Sprint(pictures)},
		},
	})
	if err != nil {
		return err
	}
	defer job.Close()
	// Explain names the rank that failed if this one failed because of it.
	return job.Explain(torch.With(func(s *torch.Scope) error {
		return train(s, job, epochs, pictures)
	}))
}

func main() {
	epochs := flag.Int("epochs", 3, "epochs of Algorithm 1")
	pictures := flag.Int("pictures", 1000, "number of pictures drawn for training")
	device := flag.String("device", "cpu", "cpu or cuda")
	flag.Parse()
	runtime.LockOSThread() // grad mode belongs to the OS thread
	if err := run(*device, *epochs, *pictures); err != nil {
		fmt.Fprintln(os.Stderr, "data_parallel:", err)
		os.Exit(1)
	}
}
