package atomicfile_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// names lists a folder, so that leftovers show.
func names(t *testing.T, dir string) (out []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	require.NoError(t, atomicfile.Write(path, text("old")))
	broken := errors.New("no more input")
	err := atomicfile.Write(path, func(w io.Writer) error {
		fmt.Fprint(w, strings.Repeat("new", 1<<20)) // beyond the buffer: on disk already
		return broken
	})
	assert.ErrorIs(t, err, broken)
	assert.ErrorContains(t, err, "cannot write "+path)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(data))
	assert.Equal(t, []string{"a.txt"}, names(t, dir))
	require.NoError(t, atomicfile.Write(path, text("new")))
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "new", string(data))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o644), info.Mode())
}

func TestAMissingFolderIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "a.txt")
	assert.ErrorContains(t, atomicfile.Write(path, text("x")), "cannot write "+path)
}

func TestCleanRemovesOnlyWhatWriteLeaves(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".a.txt.123.partial", "a.txt", ".hidden", "b.partial"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, atomicfile.Clean(dir))
	assert.Equal(t, []string{".hidden", "a.txt", "b.partial"}, names(t, dir))
}
