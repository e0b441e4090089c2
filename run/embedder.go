package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

// embedder is a checkpoint's network on an OS thread of its own, which LibTorch's
// threads belong to.
type embedder struct {
	requests chan embedRequest
	closed   chan struct{}
	depth16  string
	close    func()
}

type embedRequest struct {
	ctx    context.Context
	files  datasets.Dataset
	answer chan<- embedAnswer // with room for it
}

type embedAnswer struct {
	rows [][]float32
	err  error
}

// startEmbedder loads the network and returns when it is there.
func startEmbedder(k checkpoint) (*embedder, error) {
	n := &embedder{requests: make(chan embedRequest), closed: make(chan struct{}), depth16: k.config.Depth16}
	n.close = sync.OnceFunc(func() { close(n.closed) })
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

// stateOf is the state of the checkpoint's network, to evaluate.
func stateOf(s *torch.Scope, k checkpoint) (*meta.State, error) {
	if err := setThreads(k.config.Threads); err != nil {
		return nil, err
	}
	st, err := k.config.state(s, 0)
	if err != nil {
		return nil, err
	}
	return st, k.fill(st.Encoder())
}

func (n *embedder) serve(k checkpoint, st *meta.State) {
	o := defaultEval()
	k.config.BadPictures = "stop" // a row for each picture
	for {
		select {
		case <-n.closed:
			return
		case r := <-n.requests:
			var a embedAnswer
			a.err = torch.With(func(s *torch.Scope) error {
				f, _, err := k.config.features(r.ctx, s, st, r.files, o)
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

// embed returns the features of picture files, a row for each.
func (n *embedder) embed(ctx context.Context, files []string) ([][]float32, error) {
	if len(files) == 0 {
		return nil, nil
	}
	ds, err := datasets.PicturesAs(files, datasets.Depth16(n.depth16))
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
