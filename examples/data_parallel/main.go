// Command data_parallel trains SimCLR with MSR in a plain loop, alone or as a torchrun --no-python job.
package main

import (
	"context"
	"errors"
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

const size, batch, rate = 32, 32, 0.01 // batch: of all processes together

type trainer struct {
	*meta.State // the same on every rank, and changed alike
	config      meta.Config
	job         *dist.Job
	exec        model.Exec // on the job's ranks
	sum         float64    // of a pass's losses
}

// regular is a step on theta by this rank's share b; loss and gradients are the whole batch's.
func (t *trainer) regular(s *torch.Scope, b model.Batch) error {
	q := &model.Pass{
		Model:   t.Model,
		Exec:    t.exec,
		Theta:   t.Theta,
		Buffers: t.Buffers,
		State:   t.ModelState,
		Batch:   b,
		Mode:    nets.Train(),
		Space:   t.config.Space,
		A:       t.exec.Evaluate(s, t.MSR, t.Phi, t.PhiBuffers, b.Plain, nets.Train()),
	}
	var total torch.Tensor
	t.ThetaOpt.Step(s, t.Theta, q.Gradient(s, func() torch.Tensor {
		total = s.Add(q.Loss(s, q), s.MulScalar(q.DoLoss(s), t.config.Lambda))
		return total
	}), rate)
	t.sum += s.Item(total)
	return s.Err()
}

// meta is a step on phi, through the fast weights.
func (t *trainer) meta(s *torch.Scope, b model.Batch) error {
	r, err := meta.Problem{
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
	t.PhiOpt.Step(s, t.Phi, r.Grad, t.config.Beta)
	t.sum += r.LCtFast + t.config.Gamma*r.LUni
	return errors.Join(err, s.Err())
}

func train(s *torch.Scope, job *dist.Job, epochs, pictures int) error {
	t := &trainer{config: meta.Default(), job: job, exec: model.Exec{Group: job.Group, SyncBatchNorm: true}}
	backbone, err1 := nets.NewBackbone("resnet8", nets.StemCIFAR, 0.25)
	method, err2 := methods.New("simclr", methods.Config{Temperature: 0.5, Hidden: 64, Dim: 32})
	m, err3 := model.New(method, backbone)
	msr, err4 := nets.NewMSR(nets.MSRConfig{Trunk: "conv4", Width: 0.25, N: t.config.NumWeights, C: 32})
	pics, err5 := datasets.Open(datasets.Options{Name: "shapes", Train: true, Count: pictures, Correlation: 0.5, Seed: 1})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	aug := transforms.CIFAR()
	loader, err := datasets.NewLoader(pics, datasets.LoaderOptions{BatchSize: batch, Shuffle: true, DropLast: true, Seed: 1, Rank: job.Rank, Ranks: job.Size, Views: []datasets.Augment{&aug.View, &aug.View}, Plain: &aug.Plain})
	if err == nil {
		t.State, err = meta.NewState(s, meta.StateOptions{Model: m, MSR: msr, Optimizer: nets.OptimizerConfig{Name: "sgd", Momentum: 0.9}, Seed: 1, Options: torch.Options{DType: torch.F32, Device: job.Device}})
	}
	for pass := uint64(0); err == nil && pass < uint64(2*epochs); pass, t.sum = pass+1, 0 { // Algorithm 1: regular steps, then meta steps
		step := []func(*torch.Scope, model.Batch) error{t.regular, t.meta}[pass%2]
		for b, err := range loader.Epoch(context.Background(), pass, 0) {
			if err == nil {
				err = torch.With(func(u *torch.Scope) error { // what a step makes is freed at its end
					x := torch.FromSlice(u, slices.Concat(b.Views[0], b.Views[1], b.Plain), job.Device, 3, int64(b.N), 3, size, size)
					return step(u, model.Batch{Views: []torch.Tensor{u.Select(x, 0, 0), u.Select(x, 0, 1)}, Plain: u.Select(x, 0, 2)})
				})
			}
			if err != nil {
				return err
			}
		}
		err = job.Lead(func() error { // rank 0 speaks; also the place to evaluate and save
			_, err := fmt.Printf("epoch %d, %s: %.4f\n", pass/2+1, []string{"loss", "meta objective"}[pass%2], t.sum/float64(loader.Steps()))
			return err
		})
	}
	return err
}

func main() {
	epochs, pictures, device := flag.Int("epochs", 3, "of Algorithm 1"), flag.Int("pictures", 1000, "drawn for training"), flag.String("device", "cpu", "cpu or cuda")
	flag.Parse()
	runtime.LockOSThread() // grad mode belongs to it
	job, err := dist.Join(dist.Options{Device: *device, Same: []dist.Setting{{Name: "-epochs", Value: fmt.Sprint(*epochs)}, {Name: "-pictures", Value: fmt.Sprint(*pictures)}}})
	if err == nil {
		err = job.Explain(torch.With(func(s *torch.Scope) error { return train(s, job, *epochs, *pictures) }))
		job.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "data_parallel:", err)
		os.Exit(1)
	}
}
