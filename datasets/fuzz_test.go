package datasets

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

func FuzzIDX(f *testing.F) {
	f.Add([]byte{0, 0, 8, 1, 0, 0, 0, 2, 7, 8}, 1)
	f.Add([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9}, 3)
	f.Fuzz(func(t *testing.T, data []byte, rank int) {
		if rank < 1 || rank > 4 {
			return
		}
		x, err := parseIDX(data, rank)
		if err != nil {
			return
		}
		n := 1
		for _, d := range x.dims {
			n *= d
		}
		if len(x.data) != n || len(x.dims) != rank {
			t.Fatalf("%v with %d bytes", x.dims, len(x.data))
		}
	})
}

func FuzzCIFAR10(f *testing.F) {
	f.Add(make([]byte, cifarRecord))
	f.Add(make([]byte, 2*cifarRecord-1))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d cifar10
		if d.parse(data) == nil && len(d.images)*cifarRecord != len(data) {
			t.Fatalf("%d pictures of %d bytes", len(d.images), len(data))
		}
	})
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray16(image.Rect(0, 0, 5, 4)))
	f.Add(b.Bytes())
	paths, err := filepath.Glob("testdata/decode/*.[jp][pn]g")
	if err != nil || len(paths) == 0 {
		f.Fatal(len(paths), err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decode(data)
		if err == nil && m.Validate() != nil {
			t.Fatal(m.Validate())
		}
	})
}
