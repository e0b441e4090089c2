package runfolder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

func TestWhatIsPartOfARun(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	run, other, lost := at("run"), at("other"), at("lost")
	for _, d := range []string{filepath.Join(run, "checkpoints", "old"), filepath.Join(other, "checkpoints"),
		filepath.Join(lost, "checkpoints")} {
		require.NoError(t, os.MkdirAll(d, 0o755))
	}
	require.NoError(t, os.WriteFile(runfolder.Config(run), nil, 0o600))
	require.NoError(t, os.WriteFile(runfolder.Metrics(lost), nil, 0o600))
	require.NoError(t, os.WriteFile(runfolder.Last(run), nil, 0o600))
	require.NoError(t, os.Symlink(runfolder.Last(run), at("link.safetensors")))
	require.NoError(t, os.Symlink(run, at("linked")))
	for path, owner := range map[string]string{
		runfolder.Last(run):                                       run,
		runfolder.Config(run):                                     run,
		runfolder.Metrics(run):                                    run,
		filepath.Join(run, "checkpoints", "new.npy"):              run,
		filepath.Join(run, "checkpoints", "old", "x"):             run,
		filepath.Join(run, "checkpoints", "no", "such", "folder"): run,
		runfolder.Last(lost):                                      lost,
		at("link.safetensors"):                                    run,
		filepath.Join(at("linked"), "checkpoints", "new.npy"):     run,
		filepath.Join(run, "x.npy"):                               "",
		filepath.Join(run, "old", "x.npy"):                        "",
		runfolder.Last(other):                                     "", // not a run: only checkpoints
		at("x.npy"):                                               "",
	} {
		got, ok := runfolder.Owner(path)
		assert.Equal(t, owner, got, path)
		assert.Equal(t, owner != "", ok, path)
	}
}
