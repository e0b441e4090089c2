package meta_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

// An error of a hook names the hook, unless it says itself what it is about.
func TestAnErrorNamesItsHook(t *testing.T) {
	h := meta.Hook{Name: "checkpoint"}
	broken := errors.New("broken")
	assert.EqualError(t, h.Named(broken), "hook checkpoint: broken")
	assert.ErrorIs(t, h.Named(broken), broken)
	assert.EqualError(t, meta.Hook{}.Named(broken), "broken")
	assert.NoError(t, h.Named(nil))
	for _, err := range []error{
		fmt.Errorf("cannot write: %w", &fs.PathError{Op: "write", Path: "metrics.jsonl", Err: fs.ErrPermission}),
		&os.LinkError{Op: "rename", Old: "a", New: "b", Err: fs.ErrExist},
		field.Errorf("{meta.Gamma} is wrong"),
		&meta.Diverged{},
		fmt.Errorf("stopped: %w", context.Canceled),
		meta.Hook{Name: "log"}.Named(broken),
	} {
		assert.Equal(t, err, h.Named(err), "as it is")
	}
}

// The trainer names the hooks whose errors end a run.
func TestARunThatAHookEndsNamesTheHook(t *testing.T) {
	broken := errors.New("broken")
	for want, hook := range map[string]meta.Hook{
		"hook a: broken": {Name: "a", OnStep: func(meta.Step) error { return broken }},
		"hook b: broken": {Name: "b", OnEpoch: func(*meta.State, meta.Epoch) error { return broken }},
		"hook c: broken": {Name: "c", OnEnd: func(*meta.State, error) error { return broken }},
		"broken":         {OnStep: func(meta.Step) error { return broken }},
	} {
		s := torch.NewScope()
		tr := run{method: "simclr"}.trainer(t, s, nil)
		tr.Hooks = []meta.Hook{{Name: "first"}, hook}
		assert.EqualError(t, tr.Run(context.Background()), want)
		require.NoError(t, s.Close())
	}
}
