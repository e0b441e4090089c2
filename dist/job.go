package dist

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// Setting is something that all ranks must have alike, as {"--lr", "0.1"}.
type Setting struct{ Name, Value string }

// Job is a process's place in a data-parallel job. A process on its own is rank 0 of 1; a nil Job
// is such a process, too.
type Job struct {
	Place
	Device torch.Device // of this process
	Group  *torch.Group // the ranks' process group, on c10d; nil where Size is 1

	backend  string
	text     func(err error) string
	timeout  time.Duration // of meeting, and of an operation between ranks
	settings []Setting     // what must be the same on all ranks
	only     Setting       // what no two ranks may have alike; nothing where its value is empty
	at       string        // the store's address
	base     *torch.Store  // the connection
	store    *torch.Store  // the same, with the job's prefix
	watch    *watch
	left     sync.Once
	silent   int // ranks that do not answer
	led      int // calls of Lead
}

// alone reports whether this process has no others.
func (j *Job) alone() bool { return j == nil || j.Size == 1 }

func (j *Job) join() error {
	if j.ByAgent {
		j.Port = besides(j.Port)
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
		return fmt.Errorf("rank %d: another process has this rank at %s, too; is another job there? choose another MASTER_PORT", j.Rank, hostPort(host, j.Port))
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
	j.Group, err = torch.NewGroup(j.store, torch.GroupOptions{Backend: j.backend, Address: own, Rank: j.Rank, Size: j.Size, Timeout: j.timeout})
	if err != nil {
		return j.Explain(err)
	}
	return nil
}

func key(name string, rank int) string { return name + "/" + strconv.Itoa(rank) }

// Agree is where all ranks go on or none, as after opening files: where one has an error, each gets
// one that tells it. All ranks call it.
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

// Leads reports whether this process is the one that writes files and speaks: rank 0.
func (j *Job) Leads() bool { return j.alone() || j.Rank == 0 }

// Lead runs f on rank 0 alone, as to evaluate and save, for as long as it takes, while the others
// wait. All ranks call it.
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

// Ranks is the process group; nil for a process on its own.
func (j *Job) Ranks() *torch.Group {
	if j == nil {
		return nil
	}
	return j.Group
}

// Close leaves the job. Rank 0, which serves the store, first waits for the others to leave.
// Nothing of the group is used after it.
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

// leave closes the connections to the other ranks, so that none waits for this
// one; rank 0 then serves the store for at most so long, until all have left.
func (j *Job) leave(atMost time.Duration) {
	j.left.Do(func() {
		if j.Group == nil {
			return
		}
		closed := make(chan struct{})
		go func() { j.Group.Close(); close(closed) }() // operations that hang end with the process
		select {
		case <-closed:
		case <-time.After(beat):
		}
		if _, err := j.watch.count("left", 1); err == nil && j.Rank == 0 {
			j.linger("left", j.Size-j.silent, atMost)
		}
	})
}

// linger waits until a counter has come to n.
func (j *Job) linger(counter string, n int, atMost time.Duration) {
	for until := time.Now().Add(atMost); time.Now().Before(until); time.Sleep(beat / 20) {
		if k, err := j.store.Add(counter, 0); err != nil || k >= int64(n) {
			return
		}
	}
}
