package meta

import (
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// waiting accounts how long a pass stands still for data. On the CPU that is how long its source lets it wait. A GPU
// is given its work ahead: while the host waits for a batch the step before may still be running, and then nothing
// stands still. So three points in the GPU's queue are marked: the end of a step, where the host has the next batch
// and begins to upload it, and where it has got there. From the first to the second the GPU has nothing to do, for
// want of data as long as the host waited for it; from the second to the third it waits for the copy. The times are
// read later, when the GPU has passed the marks, so that nobody waits for them.
type waiting struct {
	device gotch.Device
	source Source
	before time.Duration // what the source had let wait at the last step
	ended  *torch.Mark
	open   []idle
	err    error
}

// idle is what is not known yet of the time between two steps.
type idle struct {
	host              time.Duration // that the source let wait
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

// arrived is called when the host has a batch, uploaded when the batch is on its way to the device, and ended when
// the step with it is.
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

// take returns the seconds waited that are known and were not taken yet.
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

// rest is take at the end of a pass, when the device has passed all marks.
func (w *waiting) rest() (float64, error) {
	if len(w.open) > 0 {
		if err := torch.Synchronize(w.device); err != nil {
			return 0, err
		}
	}
	return w.take()
}

// time is how long the device stood still.
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
