package dist

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// Setting is something that must be the same on all ranks, as {"--lr", "0.1"}.
type Setting struct{ Name, Value string }

// Job is a process's place in a data-parallel job. A process on its own is rank 0 of 1. A nil Job is such a process,
// too.
type Job struct {
	Place
	Device torch.Device // of this process
	Group  *torch.Group // the process group of all ranks; nil if Size is 1

	backend  string
	timeout  time.Duration // of joining, and of an operation between ranks
	settings []Setting     // what must be the same on all ranks
	only     Setting       // what no two ranks may share; nothing if its value is empty
	at       string        // the store's address
	base     *torch.Store  // the connection
	store    *torch.Store  // the same, with the job's prefix
	watch    *watch
	left     sync.Once
	silent   int // ranks that do not answer
	led      int // number of calls of Lead
}

// alone reports whether this is the only process.
func (j *Job) alone() bool { return j == nil || j.Size == 1 }

func (j *Job) join() error {
	if j.ByAgent {
		j.Port = beside(j.Port)
	}
	host, err := j.find()
	if err != nil {
		return err
	}
	j.at = host.String()
	twice, err := j.enter(host)
	if err != nil {
		return err
	}
	if twice > 1 {
		return fmt.Errorf("rank %d: another process has this rank at %s, too; is another job there? "+
			"choose another MASTER_PORT", j.Rank, hostPort(host, j.Port))
	}
	if err := j.compare("start", j.settings); err != nil {
		return err
	}
	own, err := toward(host, j.Port)
	if err != nil {
		return err
	}
	if j.watch, err = newWatch(j, host); err != nil {
		return err
	}
	j.Group, err = torch.NewGroup(j.store, torch.GroupOptions{
		Backend: j.backend,
		Address: own,
		Rank:    j.Rank,
		Size:    j.Size,
		Timeout: j.timeout,
	})
	if err != nil {
		return j.Explain(err)
	}
	return nil
}

func key(name string, rank int) string { return name + "/" + strconv.Itoa(rank) }

// Agree makes all ranks continue or none of them, as after opening files: if one rank has an error, each rank returns
// an error that names it. All ranks call it.
func (j *Job) Agree(own error) error {
	if j.alone() {
		return own
	}
	failed := int64(0)
	if own != nil {
		j.watch.report(own)
		failed = 1
	}
	all, err := j.Group.GatherInts(j.Device, failed)
	if own != nil {
		j.leave(5 * beat)
		return own
	}
	if err != nil {
		return j.Explain(err)
	}
	for _, f := range all {
		if f != 0 {
			return j.Explain(errElsewhere)
		}
	}
	return nil
}

// Leads reports whether this process is rank 0, which writes the files and prints.
func (j *Job) Leads() bool { return j.alone() || j.Rank == 0 }

// Lead runs f on rank 0 alone, as to evaluate and save, while the others wait for as long as it takes. All ranks call
// it.
func (j *Job) Lead(f func() error) error {
	if j.alone() {
		return f()
	}
	j.led++
	name := fmt.Sprint("led ", j.led)
	if !j.Leads() {
		return j.Await(name)
	}
	if err := f(); err != nil {
		return err
	}
	return j.Done(name)
}

// Ranks returns the process group; nil for a process on its own.
func (j *Job) Ranks() *torch.Group {
	if j == nil {
		return nil
	}
	return j.Group
}

// Close leaves the job. Rank 0 serves the store and first waits for the others to leave. The group must not be used
// afterwards.
func (j *Job) Close() {
	if j.alone() {
		return
	}
	j.leave(60 * beat)
	j.watch.close()
	if j.watch == nil || !j.watch.cut.Load() {
		j.store.Close()
		j.base.Close()
	}
}

// leave closes the connections to the other ranks, so that none waits for this one. Rank 0 then serves the store until
// all have left, for at most atMost.
func (j *Job) leave(atMost time.Duration) {
	j.left.Do(func() {
		if j.Group == nil {
			return
		}
		closed := make(chan struct{})
		go func() { j.Group.Close(); close(closed) }() // an operation that hangs ends with the process
		select {
		case <-closed:
		case <-time.After(beat):
		}
		if _, err := j.watch.count("left", 1); err == nil && j.Rank == 0 {
			j.linger("left", j.Size-j.silent, atMost)
		}
	})
}

// linger waits until a counter has reached n, for at most atMost.
func (j *Job) linger(counter string, n int, atMost time.Duration) {
	for until := time.Now().Add(atMost); time.Now().Before(until); time.Sleep(beat / 20) {
		if k, err := j.store.Add(counter, 0); err != nil || k >= int64(n) {
			return
		}
	}
}
