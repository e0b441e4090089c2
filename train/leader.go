package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

// leader trains as rank 0, which writes the run folder and prints.
type leader struct {
	ready
	config  Config
	out     string
	log     io.Writer
	warn    io.Writer // gets the first evaluation's warnings of bad pictures; nil after that
	job     *dist.Job
	folder  *runfolder.Folder
	keep    saver
	shown   show
	loggers []namedLogger
	last    meta.Epoch
}

// train trains to the end. If missing is not nil, train first evaluates that epoch.
func (l *leader) train(ctx context.Context, missing *EpochLine) error {
	if err := l.state.Share(l.job.Ranks()); err != nil {
		return l.job.Explain(err)
	}
	l.begin()
	start, st := time.Now(), l.state
	l.shown = newShow(l.log, l.config, l.source.Steps(), st.Position)
	defer l.shown.Done()
	l.keep = saver{path: runfolder.Last(l.out), config: l.config, state: st, saved: start}
	var err error
	if l.loggers, err = openLoggers(l.folder, st.Position); err != nil {
		return err
	}
	if missing != nil {
		if err := l.evaluate(ctx, *missing); err != nil {
			return err
		}
	}
	if err := l.done(); err != nil {
		return err
	}
	if err := l.run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(l.log, "trained in %s: %s\n", Seconds(time.Since(start)), l.keep.path)
	return nil
}

// run runs the trainer, and explains its error.
func (l *leader) run(ctx context.Context) error {
	err := l.trainer(l.config, l.job.Ranks(), l.hooks(ctx)...).Run(ctx)
	err = sayWhatIsKept(l.config.Explain(err, l.config.room(l.job.Ranks().Size())), l.out)
	if l.job != nil && !errors.Is(err, context.Canceled) {
		err = l.job.Explain(err)
	}
	return err
}

// hooks returns the hooks of the run. Loggers come before the checkpoint: a resumed run repeats the epochs after its
// checkpoint, so loggers may have too much but never too little.
func (l *leader) hooks(ctx context.Context) []meta.Hook {
	hooks := []meta.Hook{l.shown.hook()}
	for _, g := range l.loggers {
		hooks = append(hooks, g.hook())
	}
	return append(hooks, meta.Hook{
		Name:    "checkpoint",
		OnEpoch: func(_ *meta.State, e meta.Epoch) error { return l.epoch(ctx, e) },
		OnStep:  func(meta.Step) error { return l.keep.step(ctx, l.shown.Line) },
		OnEnd:   func(_ *meta.State, err error) error { return l.end(err) },
	})
}

// begin prints what is trained, and where.
func (l *leader) begin() {
	announce(l.log, l.config, l.state, l.ds, l.out)
	tellWarmup(l.log, l.schedule)
	tellRenamed(l.log, l.config)
	fmt.Fprintln(l.log, l.source.place)
	for _, note := range l.source.notes {
		fmt.Fprintln(l.log, note)
	}
	if l.job != nil {
		fmt.Fprintf(l.log, "%d processes, %d pictures of a step on each, %d threads each, %s\n", l.job.Size,
			l.config.BatchSize/l.job.Size, torch.Threads(), l.config.norms())
	}
}

// evaluate scores the backbone after an epoch, and logs the scores.
func (l *leader) evaluate(ctx context.Context, line EpochLine) error {
	if err := line.evaluate(ctx, l.warn, l.state, l.config); err != nil {
		return lateEvaluation(err)
	}
	l.warn = nil
	l.shown.Line(line.String())
	for _, g := range l.loggers {
		if err := g.Epoch(line); err != nil {
			return g.hook().Named(err)
		}
	}
	return nil
}

// epoch writes the checkpoints of an epoch, and evaluates it if that is due.
func (l *leader) epoch(ctx context.Context, e meta.Epoch) error {
	l.last = e
	if err := l.keep.now(); err != nil {
		return err
	}
	if err := saveNumbered(l.out, l.config, l.state, true); err != nil {
		return err
	}
	if l.config.evaluates(l.state.Position.Epoch) {
		if err := l.evaluate(ctx, EpochLine{Epoch: e}); err != nil {
			return err
		}
	}
	return l.done()
}

// done lets the other ranks continue, which wait while rank 0 saves and evaluates.
func (l *leader) done() error { return l.job.Done(strconv.Itoa(l.state.Position.Epoch)) }

// end saves an interrupted run.
func (l *leader) end(err error) error {
	if !errors.Is(err, context.Canceled) {
		return nil
	}
	if err := l.keep.now(); err != nil {
		return err
	}
	at := l.state.Position
	fmt.Fprintf(l.log, "interrupted at epoch %d, batch %d: saved; --resume continues\n", at.Epoch, at.Batch)
	return nil
}
