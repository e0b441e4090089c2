package meta

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/icl-msr/icl-msr/internal/field"
)

// Hook is told what happens. Any function may be nil. An error ends the run. OnStep gets each step once, in order: on
// the CPU when it is done, on another device when the next step has been queued. If it needs the state at that step, it
// calls the state's Mark or Settle first. The other functions find the state settled.
type Hook struct {
	Name    string // in errors that do not say themselves what they are about; empty: errors stay as they are
	OnStep  func(Step) error
	OnEpoch func(st *State, e Epoch) error
	OnEnd   func(st *State, err error) error
}

// HookError is the error of a hook.
type HookError struct {
	Hook string
	Err  error
}

func (e *HookError) Error() string { return fmt.Sprintf("hook %s: %v", e.Hook, e.Err) }

// Unwrap is the hook's error.
func (e *HookError) Unwrap() error { return e.Err }

// Named is an error of the hook: with the hook's name, unless the error says itself what it is about.
func (h Hook) Named(err error) error {
	if err == nil || h.Name == "" || tellsItself(err) {
		return err
	}
	return &HookError{h.Name, err}
}

// tellsItself reports whether an error names a file, a setting or a hook, or is of no hook: a loss that is not finite,
// or an interruption.
func tellsItself(err error) bool {
	return errors.As(err, new(*HookError)) || errors.As(err, new(*fs.PathError)) || errors.As(err, new(*os.LinkError)) ||
		errors.As(err, new(*field.Error)) || errors.As(err, new(*Diverged)) || errors.Is(err, context.Canceled)
}
