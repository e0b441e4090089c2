package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTopFiveOfFewClassesIsNone(t *testing.T) {
	assert.Equal(t, "-", topFive(5, 0))
	assert.Equal(t, "0.00%", topFive(6, 0))
	assert.Equal(t, "98.77%", topFive(1000, 0.98765))
}

// With three classes the tables have no top-5. With six they have one.
func TestTablesOfFewClassesHaveNoTopFive(t *testing.T) {
	data, err := os.ReadFile("testdata/init/a.png")
	require.NoError(t, err)
	for classes, want := range map[int]bool{3: false, 6: true} {
		dir := t.TempDir()
		for class := range classes {
			for _, part := range []string{"train", "val"} {
				for i := range 48 / classes {
					path := filepath.Join(dir, part, "class"+strconv.Itoa(class), strconv.Itoa(i)+".png")
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
					require.NoError(t, os.WriteFile(path, data, 0o600))
				}
			}
		}
		from := []string{"--data-dir", dir, "--methods", "simclr", "--batch-size", "8"}
		status, printed, errs := do(tiny("compare", filepath.Join(t.TempDir(), "grid"),
			append(from, "--dataset", "imagenet")...)...)
		require.Zero(t, status, errs)
		assert.Contains(t, printed, "| top-5 | with MSR | difference |")
		assert.Equal(t, !want, strings.Contains(printed, "| - | - | - |"), printed)
		tune := append(from, "--dataset", "folder", "--labels", "1", "--tune-epochs", "1", "--supervised=false")
		status, printed, errs = do(tiny("semi", filepath.Join(t.TempDir(), "semi"), tune...)...)
		require.Zero(t, status, errs)
		assert.Equal(t, !want, strings.Contains(printed, " | - | 48.3, 75.5; 65.6, 87.8 |"), printed)
	}
}
