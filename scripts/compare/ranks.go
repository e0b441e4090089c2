package main

import (
	"fmt"
	"os"
	"time"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/torch"
)

// rankSteps does regular steps as a rank of the job that the environment describes (dist.Find). BATCH is the batch of
// all ranks together. A step's line has its seconds, and then, of its operations between ranks: their number, the bytes
// that this rank sent into them, their seconds, and the seconds spent waiting for them. In rank-step, batch norms are
// over all ranks. In rank-step-local, they are over each rank alone.
func (t task) rankSteps(s *torch.Scope) error {
	place, err := dist.Find(os.Getenv)
	if err != nil {
		return err
	}
	if place.Size < 2 || t.batch%place.Size != 0 {
		return fmt.Errorf("rank-step: a batch of %d for %d processes: want RANK and WORLD_SIZE above 1 in the "+
			"environment, and a batch that divides", t.batch, place.Size)
	}
	job, err := dist.JoinAt(place, dist.Options{Device: "cpu", Backend: "gloo", Timeout: time.Minute})
	if err != nil {
		return err
	}
	defer job.Close()
	st, err := t.state(s, false)
	if err := job.Agree(err); err != nil {
		return err
	}
	g := job.Ranks()
	if err := st.Share(g); err != nil {
		return job.Explain(err)
	}
	share := t
	share.batch /= place.Size
	src := asked{share.pictures(st.Model), new(time.Time)}
	before := g.Traffic()
	err = src.train(st, g, t.mode == "rank-step-local", func() error {
		seconds, now := time.Since(*src.start), g.Traffic()
		fmt.Println(seconds.Seconds(), now.Calls-before.Calls, now.Bytes-before.Bytes, (now.Busy - before.Busy).Seconds(),
			(now.Waited - before.Waited).Seconds())
		before = now
		return nil
	})
	if err != nil {
		return job.Explain(err)
	}
	return nil
}
