package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/meta"
)

// saver keeps a run's newest checkpoint.
type saver struct {
	path   string
	config config
	state  *meta.State
	saved  time.Time // when it was last written
}

func (v *saver) now() error {
	v.saved = time.Now()
	return save(v.path, v.config, v.state)
}

// when saves if --save-after has passed at t.
func (v *saver) when(t time.Time) error {
	if v.config.SaveAfter <= 0 || t.Sub(v.saved) < v.config.SaveAfter {
		return nil
	}
	return v.now()
}

// saveNumbered keeps the checkpoint of an epoch that --save-every asks for, at that epoch's end: again, or if it is
// missing, since the run was killed before it.
func saveNumbered(out string, c config, st *meta.State, again bool) error {
	p := st.Position
	path := runfolder.Checkpoint(out, p.Epoch)
	if c.SaveEvery <= 0 || p.Epoch == 0 || p.Epoch%c.SaveEvery > 0 || p.Batch > 0 || p.Phase != meta.RegularPhase || !again && exists(path) {
		return nil
	}
	return save(path, c, st)
}

// sayWhatIsKept adds to the error of a run that diverged what is left of it.
func sayWhatIsKept(err error, out string) error {
	diverged, damaged := (*meta.Diverged)(nil), (*notFinite)(nil)
	if !errors.As(err, &diverged) && !errors.As(err, &damaged) {
		return err
	}
	k, none := newest(nil, out)
	if none != nil {
		return fmt.Errorf("%w; no checkpoint was written before that", err)
	}
	return fmt.Errorf("%w; the last checkpoint is whole: %s, of epoch %d, batch %d", err, k.path, k.position.Epoch, k.position.Batch)
}
