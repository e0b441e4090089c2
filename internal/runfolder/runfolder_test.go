package runfolder_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

type config struct {
	Seed    int    `yaml:"seed"`
	LR      string `yaml:"lr"`
	Threads int    `yaml:"threads"`
}

func options(c config, resume bool) runfolder.Options {
	return runfolder.Options{Config: c, Resume: resume, Free: []string{"threads"}, FromCheckpoint: os.ReadFile}
}

func TestAFolderBelongsToOneRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := config{1, "0.1", 2}
	_, err := runfolder.Open(dir, options(c, true))
	assert.ErrorContains(t, err, "holds no run; leave Resume out")
	assert.NoDirExists(t, dir)
	f, err := runfolder.Open(dir, options(c, false))
	require.NoError(t, err)
	_, err = runfolder.Open(dir, options(c, true))
	assert.ErrorContains(t, err, "is in use by process")
	require.NoError(t, f.Close())
	_, err = runfolder.Open(dir, options(c, false))
	assert.ErrorContains(t, err, "holds this run already; resume it by Resume, or choose another Dir")
	other := c
	other.LR = "0.2"
	_, err = runfolder.Open(dir, options(other, true))
	assert.ErrorContains(t, err, "holds a run with lr 0.1, not 0.2")
	c.Threads = 1
	f, err = runfolder.Open(dir, options(c, true))
	require.NoError(t, err, "threads may differ")
	require.NoError(t, f.Close())
}

func TestMetricsAreCutBackAndRepaired(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f, err := runfolder.Open(dir, options(config{}, false))
	require.NoError(t, err)
	for e := range 3 {
		require.NoError(t, f.Metric(map[string]int{"epoch": e}))
	}
	require.NoError(t, f.Close())
	w, err := os.OpenFile(runfolder.Metrics(dir), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = w.WriteString(`{"epoch":1,"lo`) // the process was killed while writing
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "checkpoints", ".last.safetensors.1.partial"), nil, 0o600))
	f, err = runfolder.Open(dir, options(config{}, true))
	require.NoError(t, err)
	last, err := f.KeepMetrics(2)
	require.NoError(t, err)
	assert.Equal(t, "{\"epoch\":1}\n", string(last))
	require.NoError(t, f.Metric(map[string]int{"epoch": 2}))
	require.NoError(t, f.Amend(map[string]int{"epoch": 2, "evaluation": 7}))
	require.NoError(t, f.Metric(map[string]int{"epoch": 3}))
	require.NoError(t, f.Close())
	data, err := os.ReadFile(runfolder.Metrics(dir))
	require.NoError(t, err)
	assert.Equal(t, "{\"epoch\":0}\n{\"epoch\":1}\n{\"epoch\":2,\"evaluation\":7}\n{\"epoch\":3}\n", string(data))
	left, err := os.ReadDir(filepath.Join(dir, "checkpoints"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestAFileInTheFoldersPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err := runfolder.Open(path, options(config{}, false))
	assert.ErrorContains(t, err, "choose another with Dir")
}

func TestSettingsOfOtherVersions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := config{1, "0.1", 2}
	f, err := runfolder.Open(dir, options(c, false))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(runfolder.Config(dir), []byte("seed: 1\nthreads: 4\n"), 0o600))
	f, err = runfolder.Open(dir, options(c, true))
	require.NoError(t, err, "lr is newer than the run")
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(runfolder.Config(dir), []byte("seed: 1\nlr: \"0.1\"\nmomentum: 0.9\n"), 0o600))
	_, err = runfolder.Open(dir, options(c, true))
	assert.ErrorContains(t, err, "another version, with the setting momentum")
}

func TestCheckpointsNewestFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run [1]")
	assert.Empty(t, runfolder.Checkpoints(dir))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "checkpoints"), 0o755))
	want := []string{runfolder.Last(dir), runfolder.Checkpoint(dir, 10000), runfolder.Checkpoint(dir, 9999),
		runfolder.Checkpoint(dir, 20)}
	for _, path := range append(want, filepath.Join(dir, "checkpoints", ".last.safetensors.1.partial")) {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	assert.Equal(t, want, runfolder.Checkpoints(dir))
}

func TestSettingsThatTheFolderFrees(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f, err := runfolder.Open(dir, options(config{1, "0.1", 2}, false))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	o := options(config{2, "0.1", 2}, true)
	o.Also = func() ([]string, error) { return []string{"seed"}, nil }
	f, err = runfolder.Open(dir, o)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	o.Also = func() ([]string, error) { return nil, os.ErrInvalid }
	_, err = runfolder.Open(dir, o)
	assert.ErrorIs(t, err, os.ErrInvalid)
}

// The tests' checkpoints hold their configuration and nothing else.
func TestALostConfigurationIsTheCheckpoints(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run [1]*")
	c := config{1, "0.1", 2}
	f, err := runfolder.Open(dir, options(c, false))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for _, epoch := range []int{9999, 10000} {
		require.NoError(t, os.WriteFile(runfolder.Checkpoint(dir, epoch), []byte("seed: 1\nlr: \"0.1\"\nthreads: 4\n"),
			0o600))
	}
	require.Equal(t, []string{runfolder.Checkpoint(dir, 10000), runfolder.Checkpoint(dir, 9999)},
		runfolder.Checkpoints(dir))
	require.NoError(t, os.Rename(runfolder.Checkpoint(dir, 10000), runfolder.Last(dir)))
	require.Equal(t, []string{runfolder.Last(dir), runfolder.Checkpoint(dir, 9999)}, runfolder.Checkpoints(dir))
	for name, lose := range map[string]func() error{
		"removed": func() error { return os.Remove(runfolder.Config(dir)) },
		"empty":   func() error { return os.WriteFile(runfolder.Config(dir), []byte("\n"), 0o600) },
	} {
		require.NoError(t, lose(), name)
		require.True(t, runfolder.Holds(dir))
		_, err = runfolder.Open(dir, options(c, false))
		assert.ErrorContains(t, err, "holds this run already; resume it by Resume, or choose another Dir", name)
		other := c
		other.LR = "0.2"
		_, err = runfolder.Open(dir, options(other, true))
		assert.ErrorContains(t, err, "holds a run with lr 0.1, not 0.2", name)
		f, err = runfolder.Open(dir, options(c, true))
		require.NoError(t, err, name)
		require.NoError(t, f.Close())
		text, err := os.ReadFile(runfolder.Config(dir))
		require.NoError(t, err)
		assert.Equal(t, "seed: 1\nlr: \"0.1\"\nthreads: 2\n", string(text), "it is written again")
	}
	require.NoError(t, os.Remove(runfolder.Config(dir)))
	o := options(c, true)
	o.FromCheckpoint = func(string) ([]byte, error) { return nil, errors.New("damaged") }
	_, err = runfolder.Open(dir, o)
	assert.ErrorContains(t, err, "is lost, and no checkpoint has the configuration: damaged")
	o.Resume = false
	_, err = runfolder.Open(dir, o)
	assert.ErrorContains(t, err, "no checkpoint has the configuration", "nothing is overwritten")
}
