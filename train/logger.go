package train

import (
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/meta"
)

// Logger takes the figures of a run, on rank 0. An error ends the run. Adding one takes a file and a row in loggers.
type Logger interface {
	// Step is called after each step, in order.
	Step(s meta.Step) error
	// Epoch is called at the end of each epoch, and again with its evaluation if it has one.
	Epoch(e EpochLine) error
	// End is called at the end of the run, with its error or nil.
	End(err error) error
}

// openLogger opens a logger of the run in a folder. The run starts at position at: later steps and epochs that the
// logger already has will come again.
type openLogger func(f *runfolder.Folder, at meta.Position) (Logger, error)

// loggers lists all loggers, one in a row, with the names that errors have for them.
func loggers() suggest.Table[openLogger] {
	return suggest.Table[openLogger]{
		{Name: "metrics.jsonl", Is: openMetricsFile},
	}
}

// namedLogger is an open logger.
type namedLogger struct {
	Logger
	name string
}

// hook returns the hook that calls the logger.
func (l namedLogger) hook() meta.Hook {
	return meta.Hook{
		Name:    l.name,
		OnStep:  l.Step,
		OnEpoch: func(_ *meta.State, e meta.Epoch) error { return l.Epoch(EpochLine{Epoch: e}) },
		OnEnd:   func(_ *meta.State, err error) error { return l.End(err) },
	}
}

// openLoggers opens all loggers.
func openLoggers(f *runfolder.Folder, at meta.Position) (out []namedLogger, err error) {
	for _, l := range loggers() {
		open, err := l.Is(f, at)
		if err != nil {
			return nil, err
		}
		out = append(out, namedLogger{open, l.Name})
	}
	return out, nil
}
