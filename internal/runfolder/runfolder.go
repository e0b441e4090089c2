// Package runfolder keeps a run's folder: a lock, the configuration it was
// started with, metrics a line an epoch, and checkpoints.
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

// Config returns where the configuration of a run folder is.
func Config(dir string) string { return filepath.Join(dir, configName) }

// Metrics returns where the metrics of a run folder are.
func Metrics(dir string) string { return filepath.Join(dir, metricsName) }

// Last returns where the newest checkpoint of a run folder is.
func Last(dir string) string { return filepath.Join(dir, checkpointsName, lastName) }

// Checkpoint returns where the checkpoint after n epochs is.
func Checkpoint(dir string, n int) string {
	return filepath.Join(dir, checkpointsName, fmt.Sprintf(numberedPrefix+"%04d.safetensors", n))
}

// Data returns where a run folder keeps what its data was.
func Data(dir string) string { return filepath.Join(dir, dataName) }

// Checkpoints returns the checkpoints of a run folder that are there, the newest first.
func Checkpoints(dir string) (out []string) {
	if _, err := os.Stat(Last(dir)); err == nil {
		out = append(out, Last(dir))
	}
	entries, _ := os.ReadDir(filepath.Dir(Last(dir))) // without a folder there are none
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

// Options say how a folder is opened.
type Options struct {
	Config any  // marshalled to YAML
	Resume bool // go on with the run that is there
	// FromCheckpoint reads the configuration in a checkpoint, for where config.yaml is lost.
	FromCheckpoint func(path string) ([]byte, error)
	Free           []string // settings that may differ on resuming
	// Also names further ones, looking at the run in the locked folder; nil: none.
	Also func() ([]string, error)
}

// Open makes dir, or takes up the run in it: locks it, compares and writes the
// configuration, and removes what a killed process left half-written.
func Open(dir string, o Options) (*Folder, error) {
	if o.Resume && !Holds(dir) {
		return nil, fmt.Errorf("--resume: %s holds no run; leave --resume out to start one", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, checkpointsName), 0o755); err != nil {
		return nil, fmt.Errorf("run folder: %w; choose another with --out", err)
	}
	f := &Folder{Dir: dir, lock: flock.New(filepath.Join(dir, lockName))}
	locked, err := f.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("run folder %s: %w", dir, err)
	}
	if !locked {
		owner, _ := os.ReadFile(filepath.Join(dir, lockName))
		return nil, fmt.Errorf("run folder %s is in use by process %s; wait for it, or choose another with --out", dir, strings.TrimSpace(string(owner)))
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
	old, err := ReadConfig(f.Dir, o.FromCheckpoint)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	default:
		if o.Resume && o.Also != nil {
			also, err := o.Also()
			if err != nil {
				return err
			}
			o.Free = slices.Concat(o.Free, also)
		}
		if err := f.compare(old, text, o); err != nil {
			return err
		}
	}
	if err := atomicfile.Write(Config(f.Dir), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	f.metrics, err = os.OpenFile(Metrics(f.Dir), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	return err
}

// compare refuses a folder with another run's configuration. Settings that the
// run does not know are newer than it, and not compared.
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
	for _, line := range strings.Split(string(text), "\n") { // in the order of the file
		name, _, _ := strings.Cut(line, ":")
		a, known := there[name]
		delete(there, name)
		if b := here[name]; known && !reflect.DeepEqual(a, b) {
			return fmt.Errorf("run folder %s holds a run with %s %s, not %s; choose another --out, or %s", f.Dir, name, typed(a), typed(b), remedy(name, a))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		return fmt.Errorf("run folder %s holds a run of another version, with the setting %s; choose another --out", f.Dir, name)
	}
	if !o.Resume {
		return fmt.Errorf("run folder %s holds this run already; go on with it by --resume, or choose another --out", f.Dir)
	}
	return nil
}

// KeepMetrics drops the lines of epochs from n on, and a torn last line: on
// resuming they will be written again. It returns the last line that stays, or nil.
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

// Amend puts v in the place of the last line of the metrics.
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

// rewrite replaces the metrics whole.
func (f *Folder) rewrite(change func(data []byte) []byte) error {
	data, err := os.ReadFile(Metrics(f.Dir))
	if err != nil {
		return err
	}
	if err := atomicfile.Write(Metrics(f.Dir), func(w io.Writer) error { _, err := w.Write(change(data)); return err }); err != nil {
		return err
	}
	f.metrics.Close()
	f.metrics, err = os.OpenFile(Metrics(f.Dir), os.O_RDWR|os.O_APPEND, 0o644)
	return err
}

// Metric appends a line of JSON, and syncs it.
func (f *Folder) Metric(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err = f.metrics.Write(append(line, '\n')); err == nil {
		err = f.metrics.Sync()
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w; make room, then go on with --resume", Metrics(f.Dir), err)
	}
	return nil
}

// Close releases the lock.
func (f *Folder) Close() error {
	if f.metrics != nil {
		f.metrics.Close()
	}
	return f.lock.Unlock()
}
