package dist

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/torch"
)

// errElsewhere is the error of a rank that has no error of its own.
var errElsewhere = errors.New("another rank failed")

// Elsewhere is the error of a rank that stopped because another one did.
type Elsewhere struct{ error }

// Unwrap returns the error of the other rank.
func (e *Elsewhere) Unwrap() error { return e.error }

func elsewhere(format string, args ...any) error { return &Elsewhere{fmt.Errorf(format, args...)} }

// Explain turns an error of training into one that names the rank that failed first. It tells the others an error of
// this rank's own. Rank 0 serves the store and stays a little longer, so that all ranks can read the error.
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
		return elsewhere("rank %d: stopped: %w", j.Rank, fromKeyed(f.Message))
	}
	return elsewhere("rank %d: stopped: rank %d failed: %w", j.Rank, f.Rank, fromKeyed(f.Message))
}

// lost reports whether an error says that ranks do not reach each other.
func lost(err error) bool {
	var e *torch.Error
	if errors.Is(err, errElsewhere) {
		return true
	}
	if !errors.As(err, &e) {
		return false
	}
	signs := []string{"gloo", "Gloo", "NCCL", "ncclComm", "Socket", "socket", "onnection", "imeout", "Broken pipe"}
	return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(e.Message, sign) })
}
