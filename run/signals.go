package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/icl-msr/icl-msr/train"
)

// withSignals returns a context that ends at Ctrl-C, SIGTERM and SIGHUP. The program then finishes the step and saves.
// A second Ctrl-C or SIGTERM ends the program at once. SIGUSR1 asks for a checkpoint at the next step.
func withSignals(ctx context.Context) context.Context {
	end := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		end = append(end, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, end...)
	go func() {
		<-ctx.Done()
		// A terminal that closes sends SIGHUP twice, and the process that reads the output ends with it. Neither may
		// end the program before it has saved.
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
	return train.WithSaves(ctx, asked)
}
