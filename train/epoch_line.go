package train

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

// EpochLine is a line of metrics.jsonl.
type EpochLine struct {
	Epoch meta.Epoch
	evaluated
}

// evaluated is what an evaluation during training (Config.EvalEvery) adds to an epoch.
type evaluated struct {
	Evaluation []Score          `json:"evaluation,omitempty"`
	Foreground *ForegroundShare `json:"foreground_share,omitempty"` // nil: the data set cannot make twins
}

// MarshalJSON implements json.Marshaler: the epoch's figures, and the evaluation if there is one.
func (l EpochLine) MarshalJSON() ([]byte, error) {
	text, err1 := json.Marshal(l.Epoch)
	more, err2 := json.Marshal(l.evaluated)
	if err := errors.Join(err1, err2); err != nil || string(more) == "{}" {
		return text, err
	}
	return slices.Concat(bytes.TrimSuffix(text, []byte("}")), []byte(","), more[1:]), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *EpochLine) UnmarshalJSON(data []byte) error {
	return errors.Join(json.Unmarshal(data, &l.Epoch), json.Unmarshal(data, &l.evaluated))
}

// evaluates reports whether an evaluation is due after so many epochs.
func (c *Config) evaluates(epochs int) bool {
	return c.EvalEvery > 0 && epochs > 0 && epochs%c.EvalEvery == 0
}

// lateEvaluation is the error of an evaluation that failed after its epoch was saved.
func lateEvaluation(err error) error {
	return field.Errorf("{train.EvalEvery}: %w; the epoch is saved: resume with {runfolder.Resume}, or with "+
		"{runfolder.Resume} {train.EvalEvery} 0 without evaluations", err)
}

// lookAhead prints the notes of the data sets. It returns at once an error that would stop an evaluation hours later.
func (c *Config) lookAhead(w io.Writer, ds datasets.Dataset) error {
	sets := []datasets.Dataset{ds}
	if c.EvalEvery > 0 {
		train, test, err := c.evaluationParts(DefaultEval())
		if err != nil {
			return field.Errorf("{train.EvalEvery} %d: %w; or leave {train.EvalEvery} out", c.EvalEvery, err)
		}
		defer datasets.Close(train)
		defer datasets.Close(test)
		sets = append(sets, test)
	}
	TellNotes(w, sets...)
	return nil
}

// evaluate scores the frozen backbone. Warnings of pictures that cannot be read go to warn.
func (l *EpochLine) evaluate(ctx context.Context, warn io.Writer, st *meta.State, c Config) (err error) {
	o := DefaultEval()
	o.Evaluators.Linear().Epochs, o.Threads, o.Machine, o.Warn, o.NotesTold = c.EvalProbe, c.Threads, c.Machine, warn, true
	return torch.With(func(s *torch.Scope) error {
		if l.Evaluation, err = evaluateState(ctx, s, st, c, o); err != nil {
			return err
		}
		l.Foreground, err = foregroundShare(ctx, s, st, c, o)
		return err
	})
}

// String returns the scores in one line.
func (l *EpochLine) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "evaluation after epoch %d:", l.Epoch.Epoch+1)
	for _, s := range l.Evaluation {
		sep := ": "
		b.WriteString("  " + string(s.Variant))
		for _, f := range DefaultEval().Evaluators.Main() {
			b.WriteString(sep + f.Heading() + " " + s.With(f).String())
			sep = ", "
		}
		if s.Test.Read < s.Test.Of {
			fmt.Fprintf(&b, " of %s pictures", s.Test)
		}
	}
	if l.Foreground != nil {
		b.WriteString("  " + l.Foreground.String())
	}
	return b.String()
}

// ReadMetrics reads the epochs in a run folder's metrics.jsonl.
func ReadMetrics(folder string) ([]meta.Epoch, error) {
	f, err := os.Open(runfolder.Metrics(folder))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []meta.Epoch
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var e meta.Epoch
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		out = append(out, e)
	}
	return out, lines.Err()
}
