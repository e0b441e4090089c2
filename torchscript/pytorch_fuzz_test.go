package torchscript_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

func fuzz(f *testing.F, files ...string) {
	for _, file := range files {
		data, err := os.ReadFile("testdata/" + file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.pt")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		w, err := torchscript.OpenWeights(path)
		if err != nil {
			return
		}
		defer w.Close()
		for _, g := range w.Groups {
			for _, s := range g.Tensors {
				x, err := w.Read(s)
				if err == nil && fmt.Sprint(x.Shape) != fmt.Sprint(s.Shape) {
					t.Fatal("another shape")
				}
			}
		}
	})
}

func FuzzPyTorchZip(f *testing.F) {
	f.Add(modern(f, stateDict(tensor(4, 0, []int64{2, 2}, []int64{1, 2})), string(make([]byte, 16))))
	fuzz(f, "kinds.pt", "lightning.ckpt", "script.pt")
}

func FuzzPyTorchLegacy(f *testing.F) {
	f.Add(legacy(stateDict(tensor(4, 0, []int64{2, 2}, []int64{1, 2})), oneKey, 4, string(make([]byte, 16))))
	fuzz(f, "kinds_legacy.pt", "lightning_legacy.ckpt", "module_legacy.pt")
}
