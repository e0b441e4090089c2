package embedding

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// Embedder runs a checkpoint's network on an OS thread of its own, because LibTorch's thread pools belong to an OS
// thread.
type Embedder struct {
	requests chan embedRequest
	closed   chan struct{}
	depth16  datasets.Depth16
	Close    func()
}

type embedRequest struct {
	ctx    context.Context
	files  datasets.Dataset
	answer chan<- embedAnswer // buffered, so that serve never waits
}

type embedAnswer struct {
	rows [][]float32
	err  error
}

// Start loads the network. It returns when the network is ready.
func Start(k train.Checkpoint) (*Embedder, error) {
	n := &Embedder{requests: make(chan embedRequest), closed: make(chan struct{}), depth16: k.Config.Data.Depth16}
	n.Close = sync.OnceFunc(func() { close(n.closed) })
	ready := make(chan error, 2)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		ready <- torch.With(func(s *torch.Scope) error {
			st, err := stateOf(s, k)
			if err != nil {
				return err
			}
			ready <- nil
			n.serve(k, st)
			return nil
		})
	}()
	return n, <-ready
}

// stateOf loads the checkpoint's network for evaluation.
func stateOf(s *torch.Scope, k train.Checkpoint) (*meta.State, error) {
	if err := train.SetThreads(k.Config.Threads); err != nil {
		return nil, err
	}
	st, err := k.Config.State(s, 0)
	if err != nil {
		return nil, err
	}
	return st, k.Fill(st.Encoder())
}

func (n *Embedder) serve(k train.Checkpoint, st *meta.State) {
	o := train.DefaultEval()
	k.Config.BadPictures = "stop" // each picture must have a row
	for {
		select {
		case <-n.closed:
			return
		case r := <-n.requests:
			var a embedAnswer
			a.err = torch.With(func(s *torch.Scope) error {
				f, _, err := k.Config.Features(r.ctx, s, st, r.files, o)
				if err != nil {
					return err
				}
				all, dim := torch.Slice[float32](s, f.X), int(st.Backbone.Dim())
				for i := range len(all) / dim {
					a.rows = append(a.rows, all[i*dim:(i+1)*dim:(i+1)*dim])
				}
				return s.Err()
			})
			r.answer <- a
		}
	}
}

// Embed returns the features of picture files, a row for each. ctx ends waiting and reading.
func (n *Embedder) Embed(ctx context.Context, files []string) ([][]float32, error) {
	if len(files) == 0 {
		return nil, nil
	}
	ds, err := datasets.PicturesAs(files, n.depth16)
	if err != nil {
		return nil, err
	}
	if ds.Len() != len(files) {
		return nil, fmt.Errorf("%d pictures in %d names: name picture files, not folders", ds.Len(), len(files))
	}
	answer := make(chan embedAnswer, 1)
	select {
	case n.requests <- embedRequest{ctx, ds, answer}:
		a := <-answer
		return a.rows, a.err
	case <-n.closed:
		return nil, errors.New("the network was freed: load it again")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
