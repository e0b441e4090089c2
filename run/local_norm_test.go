package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

// A TorchScript backbone's batch norms cannot be synchronised. A job with such a backbone is refused, unless each
// process is to normalise by itself.
func TestAJobWithNormsOfEachProcess(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	args := func(more ...string) []string {
		return append(small("--msr", "--arch", train.ScriptedArch+"../nets/testdata/scripted.pt", "--nproc-per-node", "2",
			"--out", out), more...)
	}
	p, said := start(t, args()...)
	require.Error(t, p.Wait())
	assert.Equal(t, 2, p.ProcessState.ExitCode(), said.String())
	assert.Contains(t, said.String(), "give --sync-batch-norm=false")

	p, said = start(t, args("--sync-batch-norm=false")...)
	require.NoError(t, p.Wait(), said.String())
	assert.Contains(t, said.String(), "batch norms of each process alone")
	config, err := os.ReadFile(runfolder.Config(out))
	require.NoError(t, err)
	assert.Contains(t, string(config), "sync-batch-norm: false")
	epochs, err := train.ReadMetrics(out)
	require.NoError(t, err)
	assert.Len(t, epochs, 2)
}
