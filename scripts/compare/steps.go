package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"time"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// asked yields the batch once for each line of input, as an epoch without an end. The step's end prints the time.
type asked struct {
	batch meta.HostBatch
	start *time.Time
}

func (a asked) Steps() int { return math.MaxInt32 }

func (a asked) Waited() time.Duration { return 0 }

func (a asked) Survey(context.Context) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) { yield(a.batch, nil) }
}

func (a asked) Batches(context.Context, uint64, int, int) iter.Seq2[meta.HostBatch, error] {
	return func(yield func(meta.HostBatch, error) bool) {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			*a.start = time.Now()
			if !yield(a.batch, nil) {
				return
			}
		}
		yield(meta.HostBatch{}, errors.Join(io.EOF, lines.Err()))
	}
}

// trainSteps does the trainer's own regular steps.
func (t task) trainSteps(s *torch.Scope) error {
	st, err := t.state(s, t.mode == "msr-step")
	if err != nil {
		return err
	}
	src := asked{t.upload(s, t.pictures(st.Model)), new(time.Time)}
	if s.Err() != nil {
		return s.Err()
	}
	return src.train(st, nil, false, func() error {
		err := torch.Synchronize(t.device)
		fmt.Println(time.Since(*src.start).Seconds())
		return err
	})
}

// train runs the trainer until the end of input, and calls after at each step's end. With local, each rank's batch
// norms are over its own pictures.
func (a asked) train(st *meta.State, g *torch.Group, local bool, after func() error) error {
	trainer := meta.Trainer{State: st, Config: meta.Default(), Source: a, Schedule: nets.Schedule{Kind: "constant",
		LR: 3e-3, Epochs: 1, Steps: a.Steps()},
		Exec:  model.Exec{Group: g, SyncBatchNorm: !local},
		Hooks: []meta.Hook{{OnStep: func(meta.Step) error { return after() }}}}
	if err := trainer.Run(context.Background()); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
