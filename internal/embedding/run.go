// Package embedding writes the features of pictures to a file. It can resume a file that an interrupted program left.
package embedding

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// Run runs the network over the pictures in batches. Progress goes to log.
func Run(ctx context.Context, stdout, log io.Writer, k train.Checkpoint, o Options) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := train.SetThreads(k.Config.Threads); err != nil {
		return err
	}
	ds, err := picturesOf(k, o)
	if err != nil {
		return err
	}
	defer datasets.Close(ds)
	train.TellNotes(log, ds)
	unlock, err := o.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := o.checkExisting(); err != nil {
		return err
	}
	s := torch.NewScope()
	defer s.Close()
	st, err := k.Config.State(s, 0)
	if err != nil {
		return err
	}
	net, err := networkOf(log, k, st, o.What)
	if err != nil {
		return err
	}
	out := &rowFile{o: o, dim: net.dim, w: bufio.NewWriter(printable.Data(stdout))}
	if o.Out != "-" {
		if out.about, err = aboutOf(k, o, ds, net); err != nil {
			return err
		}
		if o.Resume {
			if whole, err := o.isComplete(out.about); err != nil {
				return err
			} else if whole {
				fmt.Fprintf(log, "%s is whole already\n", o.Out)
				return nil
			}
		}
		if err := out.open(); err != nil {
			return errors.Join(err, out.close())
		}
	}
	return out.fill(ctx, log, k, st, net, ds)
}

// lock keeps other processes from writing the same output.
func (o *Options) lock() (unlock func() error, err error) {
	if o.Out == "-" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return nil, err
	}
	l, err := atomicfile.TakeLock(o.Out + ".lock")
	if held := (*atomicfile.Held)(nil); errors.As(err, &held) {
		return nil, field.Errorf("%s is being written by process %s; wait for it, or choose another {embedding.Out}",
			o.Out, held.Process)
	}
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}

// fill writes the rows that are missing.
func (r *rowFile) fill(
	ctx context.Context, log io.Writer, k train.Checkpoint, st *meta.State, net network, ds datasets.Dataset,
) (err error) {
	defer func() { err = errors.Join(err, r.close()) }()
	from, err := r.resume(ds)
	if err != nil {
		return err
	}
	if from > 0 {
		fmt.Fprintf(log, "resumed after %d of %d pictures\n", from, ds.Len())
	}
	train.TellDevice(log, k.Config.Machine)
	if from < ds.Len() {
		err = writeRows(ctx, log, k, st, net, ds, from, r.o.BatchSize, r)
	}
	if err == nil && r.rows == 0 {
		err = fmt.Errorf("none of the %d pictures can be read", ds.Len())
	}
	switch kept := (r.rows > 0 || errors.Is(err, context.Canceled)) && r.o.Out != "-"; {
	case err != nil && !kept:
		return errors.Join(k.Config.Explain(err, train.ForwardRoom(r.o.BatchSize)), r.drop())
	case errors.Is(err, context.Canceled):
		field.Fprintf(log, "interrupted after %d rows: kept in %s; {embedding.Resume} continues\n",
			r.rows, r.o.partial())
		return err
	case err != nil:
		return k.Config.Explain(err, train.ForwardRoom(r.o.BatchSize))
	}
	if err := r.finish(); err != nil {
		return err
	}
	left := ""
	if n := int64(ds.Len()) - r.rows; n > 0 {
		left = fmt.Sprintf(" (%d of %d pictures; %d could not be read)", r.rows, ds.Len(), n)
	}
	fmt.Fprintf(log, "%d rows of %d numbers%s: %s\n", r.rows, r.dim, left, r.o.Out)
	return nil
}
