package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePapersTablesAreCommands(t *testing.T) {
	args := tiny("table1", filepath.Join(t.TempDir(), "table1"), "--methods", "lmcl", "--dataset", "shapes",
		"--correlation", "0.5")
	status, printed, errs := do(args...)
	require.Zero(t, status, errs)
	assert.Contains(t, printed, "| lmcl | ")
	assert.NotContains(t, printed, "| simclr | ")
	for _, name := range []string{"table1", "table2", "table3", "semi"} {
		status, _, errs := do(name)
		assert.Equal(t, exitFailure, status)
		assert.Contains(t, errs, "needs --data-dir", name)
	}
}
