package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
)

// openRun opens the run folder, and resumes the run in it. A new run starts from c.Initial if that names a file.
// missing is the epoch whose evaluation was interrupted, or nil.
func openRun(
	w io.Writer, out string, c Config, resume bool, r ready, data dataRecord,
) (f *runfolder.Folder, missing *EpochLine, err error) {
	if c.Initial.File != "" && !(resume && len(runfolder.Checkpoints(out)) > 0) {
		if err := c.initialise(w, r.state, true); err != nil {
			return nil, nil, err
		}
	}
	var k *Checkpoint
	o := FolderOptions(c, resume)
	o.Also = func() (also []string, err error) {
		k, also, err = resumable(w, out, c, r, data)
		return also, err
	}
	f, err = runfolder.Open(out, o)
	if err != nil {
		return nil, nil, err
	}
	if missing, err = restoreRun(f, k, c, r, resume); err == nil {
		err = data.write(out)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, missing, nil
}

// resumable reads the newest checkpoint of the run in a folder; k is nil if there is none. also names the settings that
// may differ from the checkpoint's: those that tell where the data is, if the data is the same, and the run's length,
// if it leaves the steps that are done as they were.
func resumable(w io.Writer, out string, c Config, r ready, data dataRecord) (k *Checkpoint, also []string, err error) {
	if also, err = data.sameAs(out); err != nil {
		return nil, nil, err
	}
	found, err := Newest(w, out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, also, nil
	case err != nil:
		return nil, nil, field.Errorf("{runfolder.Resume}: %w; remove it to start anew, or copy an older checkpoint "+
			"there", err)
	case found.Config.Schedule.Epochs == c.Schedule.Epochs:
		return &found, also, nil
	}
	if err := longer(found, c, r); err != nil {
		return nil, nil, usage.Errorf("run folder %s holds a run of %d epochs, and {nets.Epochs} %d %w", out,
			found.Config.Schedule.Epochs, c.Schedule.Epochs, err)
	}
	return &found, append(also, "epochs"), nil
}

// longer returns an error if a run of c's length would have computed the checkpoint's steps differently.
func longer(k Checkpoint, c Config, r ready) error {
	if c.Schedule.Epochs < k.Position.Epoch {
		return field.Errorf("is less than the %d that it has done: leave {nets.Epochs} out", k.Position.Epoch)
	}
	was := c
	was.Schedule.Epochs = k.Config.Schedule.Epochs
	before, after := was.schedule(r.source.Steps()), c.schedule(r.source.Steps())
	momentum, phase := r.state.Method.Momentum, func(model.Clock) int { return 0 }
	if m, ok := r.state.Method.(model.Phased); ok {
		phase = m.Phase
	}
	anew := field.Errorf("would have changed the steps that are done (%v): give {nets.Epochs} %d, or start anew from "+
		"its weights by {train.Initial.File} %s and another {runfolder.Dir}", c.lengthSetting(), k.Config.Schedule.Epochs,
		k.Path)
	for i := range k.Position.Step {
		a, b := at(before, i), at(after, i)
		if before.At(i) != after.At(i) || momentum(a.Progress()) != momentum(b.Progress()) || phase(a) != phase(b) {
			return anew
		}
	}
	return nil
}

// at returns the clock of step i.
func at(c nets.Schedule, i int) model.Clock {
	return model.Clock{Step: i, Steps: c.Epochs * c.Steps, Epoch: i / c.Steps, Epochs: c.Epochs}
}

// lengthSetting names the setting that depends on the run's length, as an error so that it has the reader's names.
func (c *Config) lengthSetting() error {
	if c.Schedule.Kind == "constant" || c.Schedule.Kind == "step" && len(c.Schedule.Drops) == 0 {
		return field.Errorf("{train.Method} %s follows the run's length", c.Method)
	}
	return field.Errorf("{nets.Kind} %s", c.Schedule.Kind)
}

// restoreRun restores checkpoint k; if k is nil the run starts anew. missing is the last epoch if its evaluation is due
// and was interrupted, otherwise nil.
func restoreRun(f *runfolder.Folder, k *Checkpoint, c Config, r ready, resume bool) (missing *EpochLine, err error) {
	if !resume {
		return nil, nil
	}
	if k == nil {
		_, err := f.KeepMetrics(0)
		return nil, err
	}
	if err := k.Restore(r.state); err != nil {
		return nil, field.Errorf("{runfolder.Resume}: %w", err)
	}
	if err := saveNumbered(f.Dir, c, r.state, false); err != nil {
		return nil, err
	}
	p := r.state.Position
	text, err := f.KeepMetrics(p.Epoch)
	if err != nil || text == nil || p.Batch > 0 || !c.evaluates(p.Epoch) {
		return nil, err
	}
	var last EpochLine
	if err := json.Unmarshal(text, &last); err != nil || last.Epoch.Epoch != p.Epoch-1 || len(last.Evaluation) > 0 {
		return nil, err
	}
	return &last, nil
}

// Newest reads the newest checkpoint of a run that is intact, and prints a note on w if it skipped newer ones. If none
// is intact it returns the error of the newest.
func Newest(w io.Writer, out string) (k Checkpoint, err error) {
	err = fmt.Errorf("%s: %w", runfolder.Last(out), fs.ErrNotExist)
	for i, path := range runfolder.Checkpoints(out) {
		found, failed := Load(path)
		if failed == nil {
			if i > 0 && w != nil {
				field.Fprintf(w, "note: %v; taking %s, of epoch %d\n", err, path, found.Position.Epoch)
			}
			return found, nil
		}
		if i == 0 {
			err = failed
		}
	}
	return k, err
}
