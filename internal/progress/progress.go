// Package progress shows the progress of a training run: a bar on a terminal, plain lines elsewhere.
package progress

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/icl-msr/icl-msr/internal/printable"
)

// Progress shows the progress of one run.
type Progress struct {
	w        io.Writer
	bar      *progressbar.ProgressBar
	label    string
	total    int
	before   int // steps that were done at the start
	done     int
	pictures int
	start    time.Time
	shown    time.Time
	now      func() time.Time
}

// interval is the shortest time between plain lines.
const interval = 10 * time.Second

// New starts to show a run of total steps, of which done are done. It draws a bar if w is a terminal.
func New(w io.Writer, label string, total, done int) *Progress {
	return newProgress(w, printable.Terminal(w), printable.Text(label), total, done, time.Now)
}

func newProgress(w io.Writer, terminal bool, label string, total, done int, now func() time.Time) *Progress {
	p := &Progress{w: w, label: label, total: total, before: done, done: done, start: now(), shown: now(), now: now}
	if terminal {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(printable.Raw(w)),
			progressbar.OptionSetDescription(label), progressbar.OptionSetWidth(24),
			progressbar.OptionSetPredictTime(false), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
		_ = p.bar.Set(done) // training continues if drawing fails
	}
	return p
}

// Step counts one step of n pictures.
func (p *Progress) Step(n int, text string) {
	first := p.pictures == 0
	p.done++
	p.pictures += n
	seconds := p.now().Sub(p.start).Seconds()
	text = fmt.Sprintf("%s %s %.0f images/s, %s left", p.label, text, float64(p.pictures)/max(seconds, 1e-9),
		p.left(seconds))
	if p.bar != nil {
		p.bar.Describe(text)
		_ = p.bar.Add(1)
		return
	}
	if first || p.now().Sub(p.shown) >= interval {
		p.shown = p.now()
		fmt.Fprintf(p.w, "%s step %d/%d\n", text, p.done, p.total)
	}
}

// left is the time that the remaining steps will take at the rate since the start. Steps of an earlier process do not
// count.
func (p *Progress) left(seconds float64) time.Duration {
	each := seconds / float64(p.done-p.before)
	return time.Duration(each * float64(p.total-p.done) * float64(time.Second)).Round(time.Second)
}

// Line prints a line above the bar.
func (p *Progress) Line(text string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintln(p.w, text)
	p.shown = p.now()
}

// Done ends the display.
func (p *Progress) Done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
