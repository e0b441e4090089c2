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

// testdata/decode holds small pictures of every kind, written by PIL, and what PIL 13's
// open(...).convert("RGB") makes of them (pil.json).
func TestDecodeAsPIL(t *testing.T) {
	data, err := os.ReadFile("testdata/decode/pil.json")
	require.NoError(t, err)
	var want map[string]struct {
		Width, Height int
		RGB           string
	}
	require.NoError(t, json.Unmarshal(data, &want))
	require.Len(t, want, 16+37)
	for name, w := range want {
		m, err := decodeFile(filepath.Join("testdata/decode", name), High)
		require.NoError(t, err)
		require.NoError(t, m.Validate())
		assert.Equal(t, [2]int{w.Width, w.Height}, [2]int{m.Width, m.Height}, name)
		pix, err := hex.DecodeString(w.RGB)
		require.NoError(t, err)
		tolerance := 0.0 // one of a JPEG is PIL's own, and no other format leaves a choice
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

// bomb is a PNG header that declares a picture of side x side pixels.
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
		"text.jpg":  {[]byte("<html>not found</html>"), "unknown format"},
		"bomb.png":  {bomb(60000), "60000x60000 pixels"},
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, c.data, 0o600))
		_, err := decodeFile(path, High)
		require.ErrorContains(t, err, path)
		assert.ErrorContains(t, err, c.want)
	}
}
