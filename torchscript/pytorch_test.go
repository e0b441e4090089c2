package torchscript_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

func open(t *testing.T, path string) *torchscript.Weights {
	w, err := torchscript.OpenWeights(path)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

func find(w *torchscript.Weights, group, name string) (torchscript.Stored, bool) {
	for _, g := range w.Groups {
		for _, x := range g.Tensors {
			if g.Path == group && x.Name == name {
				return x, true
			}
		}
	}
	return torchscript.Stored{}, false
}

// Files of PyTorch 2.1 and 2.15, in both formats, are read as PyTorch reads them (testdata/make.py).
func TestReadsWhatPyTorchWrote(t *testing.T) {
	data, err := os.ReadFile("testdata/expected.json")
	require.NoError(t, err)
	var files map[string][]struct {
		Group, Name, DType, Hex string
		Shape                   []int64
	}
	require.NoError(t, json.Unmarshal(data, &files))
	require.Len(t, files, 8)
	for file, want := range files {
		w := open(t, "testdata/"+file)
		assert.NotEmpty(t, want)
		for _, x := range want {
			s, ok := find(w, x.Group, x.Name)
			require.True(t, ok, "%s: %s in %q", file, x.Name, x.Group)
			got, err := w.Read(s)
			require.NoError(t, err, "%s: %s", file, x.Name)
			assert.Equal(t, x.DType, got.DType, "%s: %s", file, x.Name)
			assert.Equal(t, x.Shape, got.Shape, "%s: %s", file, x.Name)
			assert.Equal(t, x.Hex, hex.EncodeToString(got.Data), "%s: %s", file, x.Name)
		}
	}
	assert.Equal(t, "PyTorch", open(t, "testdata/kinds.pt").Format)
	assert.Equal(t, "PyTorch before 1.6", open(t, "testdata/kinds_legacy.pt").Format)
	assert.Equal(t, "TorchScript", open(t, "testdata/script.pt").Format)
	assert.Contains(t, open(t, "testdata/lightning.ckpt").Keys, "pytorch-lightning_version")
}

func TestForeignObjectsAreNeverBuilt(t *testing.T) {
	for _, file := range []string{"evil.pt", "evil_legacy.pt"} {
		_, err := torchscript.OpenWeights("testdata/" + file)
		assert.ErrorContains(t, err, "names posix.system, which is not allowed")
	}
	for _, g := range open(t, "testdata/lightning.ckpt").Groups {
		assert.Empty(t, g.Foreign, "beside the tensors, not among them: %s", g.Path)
	}
	w := open(t, "testdata/foreign.pt")
	require.Len(t, w.Groups, 1)
	assert.Equal(t, "argparse.Namespace", w.Groups[0].Foreign)
}

func TestTensorsThatAreNotKnown(t *testing.T) {
	for _, file := range []string{"sparse.pt", "sparse_legacy.pt"} {
		w := open(t, "testdata/"+file)
		for name, want := range map[string]string{"sparse": "_rebuild_sparse_tensor", "complex": "ComplexFloatStorage"} {
			s, ok := find(w, "", name)
			require.True(t, ok)
			_, err := w.Read(s)
			assert.ErrorContains(t, err, want)
		}
		s, _ := find(w, "", "dense")
		x, err := w.Read(s)
		require.NoError(t, err, "the others can be read")
		assert.Equal(t, []byte{0, 0, 128, 63, 0, 0, 128, 63}, x.Data)
	}
	s, _ := find(open(t, "testdata/new.pt"), "", "unknown")
	assert.ErrorContains(t, s.Err, "uint16")
	for file, want := range map[string]string{
		"tensor.pt": "one tensor", "list.pt": "a list, not a dictionary",
		"make.py": "neither a file of torch.save nor safetensors",
	} {
		_, err := torchscript.OpenWeights("testdata/" + file)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, file)
	}
}

// A file that is cut anywhere is an error, or the tensors that can be read are whole.
func TestTruncatedFiles(t *testing.T) {
	for _, file := range []string{"kinds.pt", "kinds_legacy.pt"} {
		data, err := os.ReadFile("testdata/" + file)
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "cut.pt")
		for n := 0; n < len(data); n += 7 {
			require.NoError(t, os.WriteFile(path, data[:n], 0o600))
			_, err := torchscript.OpenWeights(path)
			require.Error(t, err, "%s, %d bytes", file, n)
			assert.True(t, strings.HasPrefix(err.Error(), path))
		}
	}
}
