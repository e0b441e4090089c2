package main

import (
	"fmt"
	"os"
	"time"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/torch"
)

// rankSteps are regular steps as a rank of the job that the environment
// describes (dist.Find): BATCH is that of all ranks. A step's line is its
// seconds, and of the operations between ranks in it their number, the bytes this
// rank put into them, their seconds, and of these the seconds waited for. In
// rank-step batch norms are over all ranks, in rank-step-local of each by itself.
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
