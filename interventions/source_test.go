package interventions_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/interventions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMasksFromAFolder(t *testing.T) {
	dir := t.TempDir()
	save := func(path string, white image.Rectangle, of color.Color) {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		m := image.NewGray(image.Rect(0, 0, 20, 16))
		for y := white.Min.Y; y < white.Max.Y; y++ {
			for x := white.Min.X; x < white.Max.X; x++ {
				m.Set(x, y, of)
			}
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, m))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	}
	for _, class := range []string{"a", "b"} {
		for k := range 20 { // every tenth picture is in the test part
			name := fmt.Sprintf("%s%02d.png", class, k)
			save(filepath.Join(dir, "pictures", class, name), image.Rect(0, 0, 20, 16), color.White)
			mask := filepath.Join(dir, "masks", name)
			if class == "b" {
				mask = filepath.Join(dir, "masks", "b", name)
			}
			save(mask, image.Rect(0, 0, 1+k%10, 16), color.White)
		}
	}
	ds, err := datasets.Open(datasets.Options{Name: "folder", Dir: filepath.Join(dir, "pictures"), Train: true})
	require.NoError(t, err)
	f, err := interventions.NewFolder(filepath.Join(dir, "masks"), ds)
	require.NoError(t, err)
	shares := map[float64]int{}
	for i := range ds.Len() {
		m, err := ds.Image(i)
		require.NoError(t, err)
		mask, err := f.MaskOf(i, m, nil)
		require.NoError(t, err)
		shares[math.Round(20*mask.Share())]++
	}
	assert.Equal(t, map[float64]int{1: 4, 2: 4, 3: 4, 4: 4, 5: 4, 6: 4, 7: 4, 8: 4, 9: 4}, shares)
	_, err = interventions.NewFolder(filepath.Join(dir, "none"), ds)
	assert.ErrorContains(t, err, "no mask of picture")
	_, err = interventions.NewKnown(ds)
	assert.ErrorContains(t, err, "does not know the foreground")
}
