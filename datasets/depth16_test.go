package datasets

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gray16 returns a PNG with one row of pixels.
func gray16(t *testing.T, values ...uint16) []byte {
	m := image.NewGray16(image.Rect(0, 0, len(values), 1))
	for x, v := range values {
		m.SetGray16(x, 0, color.Gray16{Y: v})
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

func reds(t *testing.T, data []byte, depth Depth16) (out []uint8) {
	p, err := decodePart(data, nil, depth)
	require.NoError(t, err)
	for i := 0; i < len(p.Pix); i += 3 {
		out = append(out, p.Pix[i])
	}
	return out
}

func TestDepth16(t *testing.T) {
	twelve := gray16(t, 100, 1000, 2000, 4095)
	assert.Equal(t, []uint8{0, 3, 7, 15}, reds(t, twelve, High))
	assert.Equal(t, []uint8{0, 57, 121, 255}, reds(t, twelve, Scale), "255 (v - 100) / 3995, rounded")
	assert.Equal(t, reds(t, twelve, Scale), reds(t, twelve, Percentile), "of four samples none is beyond")
	assert.Equal(t, []uint8{0, 0}, reds(t, gray16(t, 7, 7), Scale))
	assert.Equal(t, []uint8{0, 255}, reds(t, gray16(t, 0, 65535), Scale))

	values := []uint16{0, 65535} // one in a hundred lies outside of each percentile
	for i := range 98 {
		values = append(values, uint16(1000+i%2*500+i/97*250))
	}
	scaled := reds(t, gray16(t, values...), Percentile)
	assert.Equal(t, []uint8{0, 255, 0, 170}, scaled[:4], "from 1000 to 1750, the greatest but one")

	// All colours of a pixel are scaled alike.
	m := image.NewNRGBA64(image.Rect(0, 0, 2, 1))
	m.SetNRGBA64(0, 0, color.NRGBA64{R: 0, G: 2000, B: 4000, A: 1})
	m.SetNRGBA64(1, 0, color.NRGBA64{R: 1000, G: 1000, B: 3000, A: 65535})
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	p, err := decodePart(b.Bytes(), nil, Scale)
	require.NoError(t, err)
	assert.Equal(t, []uint8{0, 128, 255, 64, 64, 191}, p.Pix)

	tiff, err := os.ReadFile("testdata/decode/rgb16.tif")
	require.NoError(t, err)
	p, err = decodePart(tiff, nil, Scale)
	require.NoError(t, err)
	assert.Contains(t, p.Pix, uint8(0))
	assert.Contains(t, p.Pix, uint8(255))
}

func TestDepth16OfADataSet(t *testing.T) {
	dir := t.TempDir()
	for _, class := range []string{"a", "b"} {
		for _, name := range []string{"0.png", "1.png"} {
			path := filepath.Join(dir, class, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, gray16(t, 0, 2048, 4095), 0o600))
		}
	}
	open := func(name string, depth Depth16) Dataset {
		ds, err := Open(Options{Name: name, Dir: dir, Train: true, Depth16: depth})
		require.NoError(t, err)
		return ds
	}
	word := filepath.Join(
		dir,
		"a",
		"0.png",
	) + " has samples of 16 bits, none above 4095: the high byte keeps 16 gray levels of them; " +
		"depth16 scale keeps them all"
	named, err := Pictures([]string{dir})
	require.NoError(t, err)
	for _, ds := range []Dataset{open("folder", ""), open("unlabelled", High), named} {
		assert.Contains(t, Notes(ds), word)
		m, err := ds.Image(3)
		require.NoError(t, err)
		assert.Equal(t, []uint8{0, 8, 15}, []uint8{m.Pix[0], m.Pix[3], m.Pix[6]})
	}
	named, err = PicturesAs([]string{dir}, Scale)
	require.NoError(t, err)
	for _, ds := range []Dataset{open("folder", Scale), open("unlabelled", Scale), named} {
		assert.NotContains(t, Notes(ds), word)
		m, err := ds.Image(3)
		require.NoError(t, err)
		assert.Equal(t, []uint8{0, 128, 255}, []uint8{m.Pix[0], m.Pix[3], m.Pix[6]})
	}
	_, err = Open(Options{Name: "folder", Dir: dir, Depth16: "scales"})
	assert.EqualError(t, err, `Depth16: unknown way "scales"; did you mean "scale"? known: high, scale, percentile`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a", "0.png"), gray16(t, 0, 40000), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a", "1.png"), gray16(t, 0, 40000), 0o600))
	assert.Contains(
		t,
		Notes(open("folder", ""))[1],
		filepath.Join(dir, "b", "0.png")+" has samples of 16 bits",
		"the first that is so",
	)
}
