package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

// A separate module, which cannot import internal packages, is built against this one and run. The
// environment has the cgo flags.
func TestAnotherModuleUsesThePublicPackages(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	copyFile := func(from, to string, change func(string) string) {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), []byte(change(string(data))), 0o644))
	}
	same := func(s string) string { return s }
	copyFile("testdata/outside/main.go", "main.go", same)
	copyFile("../go.sum", "go.sum", same)
	// The module takes over this module's requirements, so that the go command looks for none.
	copyFile("../go.mod", "go.mod", func(s string) string {
		s = strings.Replace(s, "module github.com/icl-msr/icl-msr\n", "module example.com/outside\n", 1)
		return s + "\nrequire github.com/icl-msr/icl-msr v0.0.0\n\nreplace github.com/icl-msr/icl-msr => " + root + "\n"
	})
	run(t, dir, "go", "build", "-mod=mod", "-o", "outside", ".")
	assert.Equal(t, "2 steps, 320 numbers, 1-NN on itself 100%, 2 parts\n", run(t, dir, filepath.Join(dir, "outside")))
	tensors, _, err := torchscript.ReadSafetensorsFile(filepath.Join(dir, "features.safetensors"))
	require.NoError(t, err)
	assert.Equal(t, []int64{40, 8}, tensors[0].Shape)
}
