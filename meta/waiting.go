package meta

import (
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// waiting measures how long a phase stands still for data. On the CPU that is how long its source makes it wait. On a
// GPU work is queued: while the host waits for a batch, the GPU may still be at the step before. So three points in the
// GPU's queue are marked: the end of a step, the begin of the next batch's upload, and its end. Between the first two
// the GPU is idle; for want of data, as far as the host waited. Between the last two it waits for the copy. The times
// are read when the GPU has passed the marks, so that nobody waits for them.
type waiting struct {
	device gotch.Device
	source Source
	before time.Duration // the source's Waited at the last step
	ended  *torch.Mark
	open   []idle
	err    error
}

// idle is the time between two steps, while it is not known.
type idle struct {
	host              time.Duration // waited for the source
	ended, began, got *torch.Mark
}

func newWaiting(device gotch.Device, source Source) *waiting {
	return &waiting{device: device, source: source, before: source.Waited()}
}

func (w *waiting) mark() *torch.Mark {
	if w.err != nil {
		return nil
	}
	m, err := torch.NewMark(w.device)
	w.err = err
	return m
}

// arrived is called when the host has a batch, uploaded when the batch's copy is queued, stepped when its step is.
func (w *waiting) arrived() {
	now := w.source.Waited()
	w.open = append(w.open, idle{host: now - w.before, ended: w.ended, began: w.mark()})
	w.before = now
}

func (w *waiting) uploaded() {
	if w != nil && len(w.open) > 0 {
		w.open[len(w.open)-1].got = w.mark()
	}
}

func (w *waiting) stepped() { w.ended = w.mark() }

// take returns the seconds waited that have become known since the last call.
func (w *waiting) take() (float64, error) {
	var sum time.Duration
	for len(w.open) > 0 && w.err == nil {
		passed, err := w.open[0].got.Passed()
		if err != nil || !passed {
			w.err = err
			break
		}
		d, err := w.open[0].time()
		sum, w.err = sum+d, err
		w.open = w.open[1:]
	}
	return sum.Seconds(), w.err
}

// rest is take at the end of a phase, when the device has passed all marks.
func (w *waiting) rest() (float64, error) {
	if len(w.open) > 0 {
		if err := torch.Synchronize(w.device); err != nil {
			return 0, err
		}
	}
	return w.take()
}

// time is how long the device was idle for want of data.
func (i idle) time() (time.Duration, error) {
	if i.began == nil || i.got == nil { // the CPU, or nothing was uploaded
		return i.host, nil
	}
	copied, err := i.got.Since(i.began)
	if err != nil || i.ended == nil { // the first step: what is queued before it is no step
		return i.host + copied, err
	}
	free, err := i.began.Since(i.ended)
	return min(i.host, free) + copied, err
}
