package dist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// beat is the interval at which a rank shows in the store that it is alive.
const beat = time.Second

// watch shows that this rank is alive, and finds out which ranks are not. It has a connection to the store of its own,
// because the job's connection may be waiting.
type watch struct {
	rank, size int
	store      *torch.Store // with the job's prefix
	base       *torch.Store
	stop       chan struct{}
	once       sync.Once
	done       sync.WaitGroup
	cut        atomic.Bool // the store did not answer in time, and is not asked again
}

func newWatch(j *Job, host net.IP) (*watch, error) {
	base, err := torch.Connect(host.String(), j.Port, j.timeout)
	if err != nil {
		return nil, err
	}
	store, err := base.Prefixed("icl-msr" + j.Attempt)
	if err != nil {
		base.Close()
		return nil, err
	}
	w := &watch{rank: j.Rank, size: j.Size, store: store, base: base, stop: make(chan struct{})}
	w.done.Go(func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			if _, err := store.Add(key("beat", w.rank), 1); err != nil {
				return // rank 0 is gone; a rank that waits for it will notice
			}
			select {
			case <-tick.C:
			case <-w.stop:
				return
			}
		}
	})
	return w, nil
}

// errCut is the error of a store that does not answer: a connection that was cut gives no error.
var errCut = errors.New("the store does not answer")

// reach runs a few operations on the store and waits for them for five beats. Operations that hang are left alone, and
// end with the process.
func (w *watch) reach(f func() error) error {
	if w.cut.Load() {
		return errCut
	}
	out := make(chan error, 1)
	go func() { out <- f() }()
	select {
	case err := <-out:
		return err
	case <-time.After(5 * beat):
		w.cut.Store(true)
		return errCut
	}
}

// count adds to a counter of the store and returns it.
func (w *watch) count(key string, delta int64) (n int64, err error) {
	var got int64
	if err = w.reach(func() (err error) { got, err = w.store.Add(key, delta); return err }); err == nil {
		n = got
	}
	return n, err
}

// failure is the first error of a job.
type failure struct {
	Rank    int
	Message string // names settings by their keys
	Silent  int    // number of ranks that do not answer, for which nobody need wait
}

// report tells the others an error, unless the store has an earlier one.
func (w *watch) report(err error) {
	f := failure{Rank: w.rank, Message: keyed(err)}
	if errors.Is(err, context.Canceled) {
		f.Message = "it was interrupted"
	}
	w.tell(f)
}

func (w *watch) tell(f failure) {
	text, _ := json.Marshal(f) // of a number and a string
	_ = w.reach(func() error { // if this fails the others still see a broken connection
		n, err := w.store.Add("failures", 1)
		if err == nil && n == 1 {
			err = w.store.Set("failure", text)
		}
		return err
	})
}

// failure returns the failure that was reported; nil if none was.
func (w *watch) failure() (*failure, error) {
	var text []byte
	err := w.reach(func() error {
		there, err := w.store.Has("failure")
		if err != nil || !there {
			return err
		}
		text, err = w.store.Get("failure", beat)
		return err
	})
	if err != nil || text == nil {
		return nil, err
	}
	f := &failure{}
	return f, json.Unmarshal(text, f)
}

// find returns the failure of the job; nil if all ranks are alive. It looks twice, because the last beat of a killed
// process may reach the store of a busy machine late.
func (w *watch) find() (*failure, error) {
	for range 2 {
		if f, err := w.lookAround(); f != nil || err != nil {
			return f, err
		}
	}
	return nil, nil
}

// lookAround waits for a report, or for three beats. It returns the failure of ranks that are not alive; nil if all
// are.
func (w *watch) lookAround() (*failure, error) {
	const beats = 3
	before, err := w.beats()
	if err != nil {
		return nil, err
	}
	for until := time.Now().Add(beats * beat); time.Now().Before(until); time.Sleep(beat / 10) {
		if f, err := w.failure(); f != nil || err != nil {
			return f, err
		}
	}
	after, err := w.beats()
	if err != nil {
		return nil, err
	}
	var dead []string
	first := -1
	for r := range before {
		if before[r] == after[r] && r != w.rank {
			dead = append(dead, strconv.Itoa(r))
			if first < 0 {
				first = r
			}
		}
	}
	if first < 0 {
		return nil, nil
	}
	w.tell(failure{first, silent(strings.Join(dead, ", ")), len(dead)})
	return w.failure() // which may be an earlier report
}

func silent(ranks string) string {
	return fmt.Sprintf("rank %s %s: killed, stopped or cut off", ranks, notAnswering)
}

func (w *watch) beats() ([]int64, error) {
	out := make([]int64, w.size)
	for r := range out {
		var err error
		if out[r], err = w.count(key("beat", r), 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *watch) close() {
	if w == nil {
		return
	}
	w.once.Do(func() { close(w.stop) })
	if w.reach(func() error { w.done.Wait(); return nil }) == nil {
		w.store.Close()
		w.base.Close()
	}
}

// Await waits, on ranks other than 0, until rank 0 has done something that the others have no part in and has called
// Done with the same name. No other call uses that name. [Job.Lead] is both in one call.
func (j *Job) Await(name string) error {
	if j.Leads() {
		return nil
	}
	for {
		before, err := j.watch.count(key("beat", 0), 0)
		if err != nil {
			return elsewhere("rank %d: stopped: %s", j.Rank, silent("0"))
		}
		for pause := time.Millisecond; pause < 4*beat; pause += pause / 4 {
			there, failed := false, false
			err := j.watch.reach(func() (err error) {
				if there, err = j.watch.store.Has("done/" + name); err == nil && !there {
					failed, err = j.watch.store.Has("failure")
				}
				return err
			})
			switch {
			case errors.Is(err, errCut):
				return elsewhere("rank %d: stopped: %s", j.Rank, silent("0"))
			case err == nil && failed:
				return j.Explain(errElsewhere)
			case err != nil || there:
				return j.Explain(err)
			}
			time.Sleep(min(pause, beat/2))
		}
		if after, err := j.watch.count(key("beat", 0), 0); err == nil && after == before {
			return elsewhere("rank %d: stopped: %s", j.Rank, silent("0"))
		}
	}
}

// Done ends the Await of the other ranks.
func (j *Job) Done(name string) error {
	if j.alone() || j.Rank != 0 {
		return nil
	}
	return j.watch.store.Set("done/"+name, nil)
}
