package jpeg_test

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	require.NoError(t, jpeg.Decode(data, h, h.Scaled(1), rgb))
	for _, p := range [][2]int{{3, 4}, {30, 20}, {18, 10}} {
		x, y := p[0], p[1]
		for c, v := range []int{x, y, x * y / 100} {
			assert.InDelta(t, v, int(rgb[3*(y*37+x)+c]), 8, "%v", p)
		}
	}
	assert.Error(t, jpeg.Decode(data, h, h.Scaled(1), rgb[1:]), "no room")
	assert.Error(t, jpeg.Decode(data, jpeg.Header{Width: 21, Height: 37, Components: 3}, h.Scaled(1), rgb), "another size")
	assert.ErrorContains(t, jpeg.Decode(data[:len(data)/2], h, h.Scaled(1), rgb), "remature end")
	_, err = jpeg.ReadHeader(data[:20])
	assert.Error(t, err)
	_, err = jpeg.ReadHeader(nil)
	assert.ErrorContains(t, err, "no data")
	_, err = jpeg.ReadHeader([]byte("not a picture"))
	assert.ErrorContains(t, err, "Not a JPEG")
}

// A part has the bytes that it has in the whole picture, at every scale, and for
// every way in which the chroma is stored.
func TestAPartIsThatOfTheWhole(t *testing.T) {
	if !jpeg.Available() {
		t.Skip("no libjpeg here")
	}
	paths, err := filepath.Glob("testdata/*.jpg")
	require.NoError(t, err)
	require.Len(t, paths, 6)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		h, err := jpeg.ReadHeader(data)
		require.NoError(t, err)
		for _, shrink := range []int{1, 2, 4, 8} {
			all := h.Scaled(shrink)
			whole := make([]byte, 3*all.Width*all.Height)
			require.NoError(t, jpeg.Decode(data, h, all, whole))
			for k := range 40 {
				rng := rand.New(rand.NewPCG(uint64(k), uint64(shrink)))
				r := jpeg.Region{Shrink: shrink, Left: rng.IntN(all.Width), Top: rng.IntN(all.Height)}
				r.Width, r.Height = 1+rng.IntN(all.Width-r.Left), 1+rng.IntN(all.Height-r.Top)
				part := make([]byte, 3*r.Width*r.Height)
				require.NoError(t, jpeg.Decode(data, h, r, part))
				for y := range r.Height {
					from := 3 * ((r.Top+y)*all.Width + r.Left)
					require.Equal(t, whole[from:from+3*r.Width], part[3*y*r.Width:3*(y+1)*r.Width], "%s %+v row %d", path, r, y)
				}
			}
			assert.ErrorContains(t, jpeg.Decode(data, h, jpeg.Region{Shrink: shrink, Left: 1, Width: all.Width, Height: 1},
				make([]byte, 3*all.Width)), "outside of the picture")
		}
	}
}

// At half the size a pixel is near the mean of the four that it stands for.
func TestAShrunkPictureIsItsMeans(t *testing.T) {
	if !jpeg.Available() {
		t.Skip("no libjpeg here")
	}
	data := picture(t, 64, 48)
	h, err := jpeg.ReadHeader(data)
	require.NoError(t, err)
	full, half := make([]byte, 3*64*48), make([]byte, 3*32*24)
	require.NoError(t, jpeg.Decode(data, h, h.Scaled(1), full))
	require.NoError(t, jpeg.Decode(data, h, h.Scaled(2), half))
	for y := range 24 {
		for x := range 32 {
			sum := 0
			for _, at := range []int{0, 1, 64, 65} {
				sum += int(full[3*(2*y*64+2*x+at)])
			}
			require.InDelta(t, float64(sum)/4, int(half[3*(y*32+x)]), 6)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(picture(f, 16, 9), uint8(1), uint16(3), uint16(2))
	paths, err := filepath.Glob("testdata/*.jpg")
	require.NoError(f, err)
	for k, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data, uint8(k), uint16(7*k), uint16(20*k))
	}
	f.Fuzz(func(t *testing.T, data []byte, scale uint8, left, top uint16) {
		h, err := jpeg.ReadHeader(data)
		if err != nil || h.Width*h.Height > 1<<22 || h.Components > 3 {
			return
		}
		_ = jpeg.Decode(data, h, h.Scaled(1), make([]byte, 3*h.Width*h.Height))
		r := h.Scaled(1 << (scale % 4))
		r.Left, r.Top = int(left)%r.Width, int(top)%r.Height
		r.Width, r.Height = r.Width-r.Left, r.Height-r.Top
		_ = jpeg.Decode(data, h, r, make([]byte, 3*r.Width*r.Height))
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
		require.NoError(b, jpeg.Decode(data, h, h.Scaled(1), rgb))
	}
}

// The middle quarter of the picture's area.
func BenchmarkDecodeAQuarter(b *testing.B) {
	data := picture(b, 500, 375)
	h, err := jpeg.ReadHeader(data)
	if err != nil {
		b.Skip(err)
	}
	r := jpeg.Region{Shrink: 1, Left: 125, Top: 94, Width: 250, Height: 187}
	rgb := make([]byte, 3*r.Width*r.Height)
	for b.Loop() {
		require.NoError(b, jpeg.Decode(data, h, r, rgb))
	}
}

func BenchmarkDecodeAtHalfTheSize(b *testing.B) {
	data := picture(b, 1000, 750)
	h, err := jpeg.ReadHeader(data)
	if err != nil {
		b.Skip(err)
	}
	r := h.Scaled(2)
	rgb := make([]byte, 3*r.Width*r.Height)
	for b.Loop() {
		require.NoError(b, jpeg.Decode(data, h, r, rgb))
	}
}

func BenchmarkStandardLibrary(b *testing.B) {
	data := picture(b, 500, 375)
	for b.Loop() {
		_, err := stdjpeg.Decode(bytes.NewReader(data))
		require.NoError(b, err)
	}
}
