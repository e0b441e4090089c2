package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// withSignals is a context that ends with Ctrl-C, SIGTERM and SIGHUP: the step at
// hand is finished and saved. A second Ctrl-C or SIGTERM ends the program. SIGUSR1
// asks for a checkpoint at the next step.
func withSignals(ctx context.Context) context.Context {
	end := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		end = append(end, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, end...)
	go func() {
		<-ctx.Done()
		// A terminal that goes says so twice, and takes what reads the output with it:
		// neither may end the program before it has saved.
		signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
		stop()
	}()
	asked := &atomic.Bool{}
	saves := make(chan os.Signal, 1)
	signal.Notify(saves, syscall.SIGUSR1)
	go func() {
		for range saves {
			asked.Store(true)
		}
	}()
	return withSaves(ctx, asked)
}

// savesKey is the key of a context's request for a checkpoint.
type savesKey struct{}

// withSaves is a context in which a checkpoint is asked for by setting asked.
func withSaves(ctx context.Context, asked *atomic.Bool) context.Context {
	return context.WithValue(ctx, savesKey{}, asked)
}

// saveAsked reports, once for each request, that a checkpoint is asked for.
func saveAsked(ctx context.Context) bool {
	asked, ok := ctx.Value(savesKey{}).(*atomic.Bool)
	return ok && asked.Swap(false)
}

// step saves after a step if --save-after has passed, or if a signal asked for it.
func (v *saver) step(ctx context.Context, tell func(line string)) error {
	if !saveAsked(ctx) {
		return v.when(time.Now())
	}
	if err := v.now(); err != nil {
		return err
	}
	at := v.state.Position
	tell(fmt.Sprintf("saved at epoch %d, batch %d, as asked by SIGUSR1", at.Epoch, at.Batch))
	return nil
}
