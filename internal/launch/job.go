package launch

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// Options say how a job's processes talk.
type Options struct {
	Backend string        // gloo or nccl
	Timeout time.Duration // of meeting, and of an operation between ranks
	Device  gotch.Device  // where operations between ranks run
	Fields  []Field       // what must be the same on all ranks
	Only    Field         // what no two ranks may have alike; nothing where its value is empty
}

// Field is a setting, of a flag or of the program.
type Field struct{ Name, Value string }

// Job is the process group that a process belongs to. A nil Job is a process on
// its own, for which every method does nothing.
type Job struct {
	Place
	Group *libtorch.Group
	o     Options
	at    string          // the store's address
	base  *libtorch.Store // the connection
	store *libtorch.Store // the same, with the job's prefix
	watch *watch
	left  sync.Once

	silent int // ranks that do not answer
}

// Join meets the other ranks, compares their settings with rank 0's, and makes
// the process group. Rank 0 serves the store; everything listens on the address
// that the job names, or by which this machine reaches it, and on no other.
func Join(p Place, o Options) (*Job, error) {
	if p.Size == 1 {
		return nil, nil
	}
	j := &Job{Place: p, o: o}
	if err := j.join(); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

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
	if err := j.compare("start", j.o.Fields); err != nil {
		return err
	}
	own, err := toward(host, j.Port)
	if err != nil {
		return err
	}
	if j.watch, err = newWatch(j, host); err != nil {
		return err
	}
	j.Group, err = libtorch.NewGroup(j.store, libtorch.GroupOptions{Backend: j.o.Backend, Address: own, Rank: j.Rank, Size: j.Size, Timeout: j.o.Timeout})
	if err != nil {
		return j.Explain(err)
	}
	return nil
}

func key(name string, rank int) string { return name + "/" + strconv.Itoa(rank) }

// Agree is where all ranks go on or none: where one has an error, each gets one.
func (j *Job) Agree(own error) error {
	if j == nil {
		return own
	}
	failed := int64(0)
	if own != nil {
		j.watch.report(own)
		failed = 1
	}
	all, err := j.Group.GatherInts(j.o.Device, failed)
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

// Leads reports whether this process is the one that writes and speaks.
func (j *Job) Leads() bool { return j == nil || j.Rank == 0 }

// Ranks is the process group; nil for a process on its own.
func (j *Job) Ranks() *libtorch.Group {
	if j == nil {
		return nil
	}
	return j.Group
}

// Close leaves the job. Rank 0 stays until all have left.
func (j *Job) Close() {
	if j == nil {
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
