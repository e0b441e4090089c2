package atomicfile_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
)

func TestALockIsHeldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	l, err := atomicfile.TakeLock(path)
	require.NoError(t, err)
	_, err = atomicfile.TakeLock(path)
	var held *atomicfile.Held
	require.ErrorAs(t, err, &held)
	assert.Equal(t, strconv.Itoa(os.Getpid()), held.Process)
	require.NoError(t, l.Release())
	assert.NoFileExists(t, path)

	require.NoError(t, os.WriteFile(path, []byte("123456\n"), 0o600), "what a killed process left")
	l, err = atomicfile.TakeLock(path)
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(os.Getpid())+"\n", string(text))
	require.NoError(t, l.Release())
	_, err = atomicfile.TakeLock(filepath.Join(path, "no folder"))
	assert.ErrorContains(t, err, "cannot lock")
}

// However its holders come and go, and the file with them, there is one at a time.
func TestALocksFileMayGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	var holders, most, taken atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 300 {
				l, err := atomicfile.TakeLock(path)
				if err != nil {
					continue
				}
				taken.Add(1)
				if n := holders.Add(1); n > most.Load() {
					most.Store(n)
				}
				holders.Add(-1)
				assert.NoError(t, l.Release())
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int32(1), most.Load())
	assert.Positive(t, taken.Load())
}
