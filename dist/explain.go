package dist

import (
	"errors"
	"fmt"
	"strings"

	"github.com/icl-msr/icl-msr/torch"
)

// errElsewhere is the error of a rank that has none of its own.
var errElsewhere = errors.New("another rank failed")

// Elsewhere is the error of a rank that another one's end stopped.
type Elsewhere struct{ error }

// Unwrap is what errors.As goes on with.
func (e *Elsewhere) Unwrap() error { return e.error }

func elsewhere(format string, args ...any) error { return &Elsewhere{fmt.Errorf(format, args...)} }

// Explain turns an error of training into one that names the rank it came from.
// An error of this rank's own is told to the others. Rank 0, which serves the
// store, stays a little longer, so that all can read it.
func (j *Job) Explain(err error) error {
	if j.alone() || err == nil {
		return err
	}
	if !lost(err) {
		j.watch.report(err)
	} else {
		err = j.explain(err)
	}
	j.leave(5 * beat)
	return err
}

func (j *Job) explain(err error) error {
	f, unreachable := j.watch.find()
	switch {
	case unreachable != nil && j.Rank != 0:
		return elsewhere("rank %d: stopped: %s", j.Rank, silent("0"))
	case f == nil:
		return elsewhere("rank %d: stopped, the ranks lost each other: %w", j.Rank, err)
	}
	j.silent = f.Silent
	if strings.HasPrefix(f.Message, "rank ") {
		return elsewhere("rank %d: stopped: %s", j.Rank, f.Message)
	}
	return elsewhere("rank %d: stopped: rank %d failed: %s", j.Rank, f.Rank, f.Message)
}

// lost reports whether an error is that of ranks which do not reach each other.
func lost(err error) bool {
	var e *torch.Error
	if errors.Is(err, errElsewhere) {
		return true
	}
	if !errors.As(err, &e) {
		return false
	}
	for _, sign := range []string{"gloo", "Gloo", "NCCL", "ncclComm", "Socket", "socket", "onnection", "imeout", "Broken pipe"} {
		if strings.Contains(e.Message, sign) {
			return true
		}
	}
	return false
}
