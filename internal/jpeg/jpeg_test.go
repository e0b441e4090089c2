package jpeg_test

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/jpeg"
)

func picture(t testing.TB, width, height int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x * y / 100), 255})
		}
	}
	var b bytes.Buffer
	require.NoError(t, stdjpeg.Encode(&b, m, &stdjpeg.Options{Quality: 95}))
	return b.Bytes()
}

func TestDecodeIsNearTheStandardLibrarys(t *testing.T) {
	if !jpeg.Available() {
		t.Skip("no libjpeg here")
	}
	data := picture(t, 37, 21)
	h, err := jpeg.ReadHeader(data)
	require.NoError(t, err)
	assert.Equal(t, jpeg.Header{Width: 37, Height: 21, Components: 3}, h)
	rgb := make([]byte, 3*37*21)
	require.NoError(t, jpeg.Decode(data, h, rgb))
	for _, p := range [][2]int{{3, 4}, {30, 20}, {18, 10}} {
		x, y := p[0], p[1]
		for c, v := range []int{x, y, x * y / 100} {
			assert.InDelta(t, v, int(rgb[3*(y*37+x)+c]), 8, "%v", p)
		}
	}
	assert.Error(t, jpeg.Decode(data, h, rgb[1:]), "no room")
	assert.Error(t, jpeg.Decode(data, jpeg.Header{Width: 21, Height: 37, Components: 3}, rgb), "another size")
	assert.ErrorContains(t, jpeg.Decode(data[:len(data)/2], h, rgb), "remature end")
	_, err = jpeg.ReadHeader(data[:20])
	assert.Error(t, err)
	_, err = jpeg.ReadHeader(nil)
	assert.ErrorContains(t, err, "no data")
	_, err = jpeg.ReadHeader([]byte("not a picture"))
	assert.ErrorContains(t, err, "Not a JPEG")
}

func FuzzDecode(f *testing.F) {
	f.Add(picture(f, 16, 9))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := jpeg.ReadHeader(data)
		if err != nil || h.Width*h.Height > 1<<22 || h.Components > 3 {
			return
		}
		_ = jpeg.Decode(data, h, make([]byte, 3*h.Width*h.Height))
	})
}

func BenchmarkDecode(b *testing.B) {
	data := picture(b, 500, 375)
	h, err := jpeg.ReadHeader(data)
	if err != nil {
		b.Skip(err)
	}
	rgb := make([]byte, 3*h.Width*h.Height)
	for b.Loop() {
		require.NoError(b, jpeg.Decode(data, h, rgb))
	}
}

func BenchmarkStandardLibrary(b *testing.B) {
	data := picture(b, 500, 375)
	for b.Loop() {
		_, err := stdjpeg.Decode(bytes.NewReader(data))
		require.NoError(b, err)
	}
}
