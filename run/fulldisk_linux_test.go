package main

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// The file system is too small for a checkpoint. The test is skipped if the machine does not allow such a mount.
func TestAFullDiskEndsARunWithOneLine(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=40k"); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	defer func() { require.NoError(t, syscall.Unmount(dir, 0)) }()
	out := filepath.Join(dir, "run")
	status, _, errs := do(small("--out", out)...)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, errs, "run: cannot write "+runfolder.Last(out)+": the disk is full; make room")
	assert.NoFileExists(t, runfolder.Last(out))
}
