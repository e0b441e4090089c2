package datasets

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/jpeg"
)

// testdata/decode has small pictures of every kind, written by PIL. pil.json has their pixels by PIL 13's
// open(...).convert("RGB").
func TestDecodeAsPIL(t *testing.T) {
	data, err := os.ReadFile("testdata/decode/pil.json")
	require.NoError(t, err)
	var want map[string]struct {
		Width, Height int
		RGB           string
	}
	require.NoError(t, json.Unmarshal(data, &want))
	require.Len(t, want, 16+41)
	for name, w := range want {
		m, err := decodeFile(filepath.Join("testdata/decode", name), High)
		require.NoError(t, err)
		require.NoError(t, m.Validate())
		assert.Equal(t, [2]int{w.Width, w.Height}, [2]int{m.Width, m.Height}, name)
		pix, err := hex.DecodeString(w.RGB)
		require.NoError(t, err)
		tolerance := 0.0 // other formats, and JPEGs by libjpeg-turbo, must equal PIL
		if filepath.Ext(name) == ".jpg" && !jpeg.Available() {
			tolerance = 3 // decoders differ in the rounding of the inverse cosine transform
		}
		assert.Len(t, m.Pix, len(pix))
		for i := range pix {
			if !assert.InDelta(t, pix[i], m.Pix[i], tolerance, "%s byte %d", name, i) {
				break
			}
		}
	}
}

func TestDecodeKeepsTheHighByteOfGray16(t *testing.T) {
	m, err := decodeFile("testdata/decode/gray16.png", High)
	require.NoError(t, err)
	assert.Equal(t, []uint8{5, 5, 5, 25, 25, 25}, m.Pix[:6])
}

// bomb returns a PNG header that declares a picture of side x side pixels.
func bomb(side uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), side)
	head = append(binary.BigEndian.AppendUint32(head, side), 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(out, head...), crc32.ChecksumIEEE(head))
}

func TestDecodeNamesABadFile(t *testing.T) {
	var good bytes.Buffer
	require.NoError(t, png.Encode(&good, image.NewGray(image.Rect(0, 0, 50, 40))))
	jpg, err := os.ReadFile("testdata/decode/rgb420.jpg")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty.png": {nil, "the file is empty"},
		"half.png":  {good.Bytes()[:good.Len()/2], "not enough pixel data"},
		"half.jpg":  {jpg[:len(jpg)-40], ""},
		"text.jpg": {
			[]byte("<html>not found</html>"),
			"it is an HTML page, not a JPEG, which is not read; convert it to PNG, JPEG, WebP, TIFF, BMP or GIF, or remove it",
		},
		"heic.jpg": {
			[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"),
			"it is a HEIC, not a JPEG, which is not read",
		},
		"avif.webp": {[]byte("\x00\x00\x00\x18ftypavif"), "it is an AVIF, not a WebP, which is not read"},
		"pdf.png":   {[]byte("%PDF-1.4"), "it is a PDF, not a PNG, which is not read"},
		"lfs.jpg": {
			[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
			"it is a Git LFS pointer (git lfs pull fetches the file), not a JPEG",
		},
		"zero.jpg":  {make([]byte, 100), "it is a file of zeros, not a JPEG"},
		"noise.jpg": {[]byte("what is this?"), "unknown format; want PNG, JPEG, WebP, TIFF, BMP or GIF"},
		"half2.jpg": {good.Bytes()[:good.Len()/2], "it is a PNG, not a JPEG: png: "},
		"bomb.png":  {bomb(60000), "60000x60000 pixels"},
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, c.data, 0o600))
		_, err := decodeFile(path, High)
		require.ErrorContains(t, err, path)
		assert.ErrorContains(t, err, c.want)
	}
}

// Without libjpeg, CMYK JPEGs are decoded with and without Adobe's marker.
func TestCMYKWithoutLibjpeg(t *testing.T) {
	data, err := os.ReadFile("testdata/decode/pil.json")
	require.NoError(t, err)
	var want map[string]struct{ RGB string }
	require.NoError(t, json.Unmarshal(data, &want))
	for _, name := range []string{"cmyk.jpg", "cmyk_plain.jpg", "ycck.jpg"} {
		data, err := os.ReadFile(filepath.Join("testdata/decode", name))
		require.NoError(t, err)
		src, err := decodeImage(data)
		require.NoError(t, err, name)
		pix, err := hex.DecodeString(want[name].RGB)
		require.NoError(t, err)
		m := toRGB(src, High)
		require.Len(t, m.Pix, len(pix))
		for i := range pix {
			require.InDelta(t, pix[i], m.Pix[i], 3, "%s byte %d", name, i)
		}
	}
}

// The content of a file decides its format, not its name.
func TestDecodeByContent(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"rgb.png", "lossy_odd.webp", "rgb_lzw.tif", "rgb.bmp", "plain.gif", "rgb444.jpg"} {
		data, err := os.ReadFile(filepath.Join("testdata/decode", name))
		require.NoError(t, err)
		want, err := Decode(data)
		require.NoError(t, err)
		for _, ending := range []string{".jpg", ".PNG", ".webp", ".tiff", ".bmp", ".gif"} {
			path := filepath.Join(dir, "x"+ending)
			require.NoError(t, os.WriteFile(path, data, 0o600))
			got, err := decodeFile(path, High)
			require.NoError(t, err, "%s as %s", name, ending)
			assert.Equal(t, want, got)
		}
	}
}
