package datasets_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, path string, data []byte) {
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// cifarFile returns n records in the published format. Record i has label i%10 and pixels (i, 100, 200).
func cifarFile(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteByte(byte(i % 10))
		b.Write(bytes.Repeat([]byte{byte(i)}, 1024))
		b.Write(bytes.Repeat([]byte{100}, 1024))
		b.Write(bytes.Repeat([]byte{200}, 1024))
	}
	return b.Bytes()
}

func idx(dims []uint32, data []byte) []byte {
	out := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, d)
	}
	return append(out, data...)
}

func packed(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func fashion(t *testing.T, dir string) {
	pixels := make([]byte, 20*784)
	for i := range pixels {
		if y, x := i%784/28, i%28; y > 6 && y < 22 && x > 6 && x < 22 { // a square garment
			pixels[i] = byte(i / 784 * 10)
		}
	}
	labels := make([]byte, 20)
	for i := range labels {
		labels[i] = byte(i % 10)
	}
	write(t, filepath.Join(dir, "train-images-idx3-ubyte"), idx([]uint32{20, 28, 28}, pixels))
	write(t, filepath.Join(dir, "train-labels-idx1-ubyte"), idx([]uint32{20}, labels))
	write(t, filepath.Join(dir, "t10k-images-idx3-ubyte.gz"), packed(t, idx([]uint32{20, 28, 28}, pixels)))
	write(t, filepath.Join(dir, "t10k-labels-idx1-ubyte.gz"), packed(t, idx([]uint32{20}, labels)))
}

// pictures writes DIR/CLASS/NNN.png, each of one colour: (class, number, 50).
func pictures(t *testing.T, dir string, classes, n int) {
	for c := range classes {
		for i := range n {
			m := image.NewRGBA(image.Rect(0, 0, 9, 7))
			for k := range 63 {
				m.Set(k%9, k/9, color.RGBA{uint8(c), uint8(i), 50, 255})
			}
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, m))
			write(t, filepath.Join(dir, fmt.Sprintf("class%02d", c), fmt.Sprintf("%03d.png", i)), b.Bytes())
		}
	}
}
