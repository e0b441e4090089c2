// Package runfolder keeps the folder of a run: a lock, the configuration that the run was started with, metrics with
// one line for each epoch, and checkpoints.
package runfolder

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/gofrs/flock"
	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/field"
)

// Folder is an open, locked run folder.
type Folder struct {
	Dir     string
	lock    *flock.Flock
	metrics *os.File
}

const (
	configName      = "config.yaml"
	metricsName     = "metrics.jsonl"
	dataName        = "data.txt.gz"
	lockName        = "lock"
	checkpointsName = "checkpoints"
	lastName        = "last.safetensors"
	numberedPrefix  = "epoch-"
)

// Config returns the path of the configuration in a run folder.
func Config(dir string) string { return filepath.Join(dir, configName) }

// Metrics returns the path of the metrics in a run folder.
func Metrics(dir string) string { return filepath.Join(dir, metricsName) }

// Last returns the path of the newest checkpoint in a run folder.
func Last(dir string) string { return filepath.Join(dir, checkpointsName, lastName) }

// Checkpoint returns the path of the checkpoint after n epochs.
func Checkpoint(dir string, n int) string {
	return filepath.Join(dir, checkpointsName, fmt.Sprintf(numberedPrefix+"%04d.safetensors", n))
}

// Data returns the path of the record of the data in a run folder.
func Data(dir string) string { return filepath.Join(dir, dataName) }

// Checkpoints returns the paths of the existing checkpoints of a run folder, the newest first.
func Checkpoints(dir string) (out []string) {
	if _, err := os.Stat(Last(dir)); err == nil {
		out = append(out, Last(dir))
	}
	entries, _ := os.ReadDir(filepath.Dir(Last(dir))) // a folder that does not exist has none
	var numbered []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), numberedPrefix) && filepath.Ext(e.Name()) == filepath.Ext(lastName) {
			numbered = append(numbered, e.Name())
		}
	}
	slices.SortFunc(numbered, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a)) })
	for _, name := range numbered {
		out = append(out, filepath.Join(dir, checkpointsName, name))
	}
	return out
}

// Options say how to open a folder.
type Options struct {
	Config any  // written as YAML
	Resume bool // resume the run in the folder
	// FromCheckpoint reads the configuration from a checkpoint. Open calls it if config.yaml is lost.
	FromCheckpoint func(path string) ([]byte, error)
	Free           []string // settings that may differ when a run is resumed
	// Also returns further such settings; it may be nil. The folder is locked when Open calls it.
	Also func() ([]string, error)
}

// Open creates dir, or opens the run in it. It locks the folder, compares and writes the configuration, and removes
// temporary files of killed processes.
func Open(dir string, o Options) (*Folder, error) {
	if o.Resume && !Holds(dir) {
		return nil, field.Errorf("{runfolder.Resume}: %s holds no run; leave {runfolder.Resume} out to start one", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, checkpointsName), 0o755); err != nil {
		return nil, field.Errorf("run folder: %w; choose another with {runfolder.Dir}", err)
	}
	f := &Folder{Dir: dir, lock: flock.New(filepath.Join(dir, lockName))}
	locked, err := f.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("run folder %s: %w", dir, err)
	}
	if !locked {
		owner, _ := os.ReadFile(filepath.Join(dir, lockName))
		return nil, field.Errorf("run folder %s is in use by process %s; wait for it, or choose another with {runfolder.Dir}",
			dir, strings.TrimSpace(string(owner)))
	}
	if err := f.open(o); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Folder) open(o Options) error {
	if err := os.WriteFile(filepath.Join(f.Dir, lockName), fmt.Appendln(nil, os.Getpid()), 0o644); err != nil {
		return err
	}
	for _, dir := range []string{f.Dir, filepath.Join(f.Dir, checkpointsName)} {
		if err := atomicfile.Clean(dir); err != nil {
			return err
		}
	}
	text, err := yaml.Marshal(o.Config)
	if err != nil {
		return err
	}
	if err := f.checkRun(text, o); err != nil {
		return err
	}
	if err := replace(Config(f.Dir), text); err != nil {
		return err
	}
	f.metrics, err = os.OpenFile(Metrics(f.Dir), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	return err
}

// checkRun returns an error if the folder holds a run that a run of configuration text must not continue.
func (f *Folder) checkRun(text []byte, o Options) error {
	old, err := ReadConfig(f.Dir, o.FromCheckpoint)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.Resume && o.Also != nil {
		also, err := o.Also()
		if err != nil {
			return err
		}
		o.Free = slices.Concat(o.Free, also)
	}
	return f.compare(old, text, o)
}

// compare returns an error if the folder holds a run with another configuration. It skips settings that the run lacks,
// which are newer than the run.
func (f *Folder) compare(old, text []byte, o Options) error {
	there, here := map[string]any{}, map[string]any{}
	if err := yaml.Unmarshal(old, &there); err != nil {
		return fmt.Errorf("%s: %w", Config(f.Dir), err)
	}
	if err := yaml.Unmarshal(text, &here); err != nil {
		return err
	}
	for _, name := range o.Free {
		delete(there, name)
		delete(here, name)
	}
	for _, line := range strings.Split(string(text), "\n") { // errors name the first difference in the file's order
		name, _, _ := strings.Cut(line, ":")
		a, known := there[name]
		delete(there, name)
		if b := here[name]; known && !reflect.DeepEqual(a, b) {
			return field.Errorf("run folder %s holds a run with %s %s, not %s; choose another {runfolder.Dir}, or %s",
				f.Dir, name, typed(a), typed(b), remedy(name, a))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		return field.Errorf("run folder %s holds a run of another version, with the setting %s; choose another "+
			"{runfolder.Dir}", f.Dir, name)
	}
	if !o.Resume {
		return field.Errorf("run folder %s holds this run already; resume it by {runfolder.Resume}, or choose another "+
			"{runfolder.Dir}", f.Dir)
	}
	return nil
}

// KeepMetrics drops the lines of epochs from n on, and an incomplete last line. The resumed run writes them again. It
// returns the last line that stays, or nil.
func (f *Folder) KeepMetrics(n int) (last []byte, err error) {
	err = f.rewrite(func(data []byte) (keep []byte) {
		for line := range bytes.Lines(data) {
			var at struct {
				Epoch *int `json:"epoch"`
			}
			if json.Unmarshal(line, &at) == nil && at.Epoch != nil && *at.Epoch < n {
				keep, last = append(keep, line...), bytes.Clone(line)
			}
		}
		return keep
	})
	return last, err
}

// Amend replaces the last line of the metrics by v.
func (f *Folder) Amend(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.rewrite(func(data []byte) []byte {
		before := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n') + 1
		return append(append(bytes.Clone(data[:before]), line...), '\n')
	})
}

// rewrite replaces the file of metrics by what change makes of its text.
func (f *Folder) rewrite(change func(data []byte) []byte) error {
	data, err := os.ReadFile(Metrics(f.Dir))
	if err != nil {
		return err
	}
	if err := replace(Metrics(f.Dir), change(data)); err != nil {
		return err
	}
	f.metrics.Close()
	f.metrics, err = os.OpenFile(Metrics(f.Dir), os.O_RDWR|os.O_APPEND, 0o644)
	return err
}

// Metric appends v as a line of JSON, and syncs the file.
func (f *Folder) Metric(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err = f.metrics.Write(append(line, '\n')); err == nil {
		err = f.metrics.Sync()
	}
	if err != nil {
		return field.Errorf("cannot write %s: %w; make room, then resume with {runfolder.Resume}", Metrics(f.Dir), err)
	}
	return nil
}

// Close closes the metrics and releases the lock.
func (f *Folder) Close() error {
	if f.metrics != nil {
		f.metrics.Close()
	}
	return f.lock.Unlock()
}

// replace writes a file whole or not at all.
func replace(path string, text []byte) error {
	return atomicfile.Write(path, func(w io.Writer) error { _, err := w.Write(text); return err })
}
