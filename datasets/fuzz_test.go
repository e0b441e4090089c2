package datasets

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
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

func FuzzCIFARBinary(f *testing.F) {
	f.Add(make([]byte, 1+cifarPixels))
	f.Add(make([]byte, 2*cifarPixels+1))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range cifars() {
			var d memory
			if c.parseBinary(&d, data) == nil && len(d.images)*(c.labelBytes+cifarPixels) != len(data) {
				t.Fatalf("%d pictures of %d bytes", len(d.images), len(data))
			}
		}
	})
}

func FuzzCIFARPickle(f *testing.F) {
	for _, path := range []string{
		"testdata/published/cifar-10-batches-py/test_batch",
		"testdata/published/cifar-100-python/test",
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range cifars() {
			var d memory
			if c.parsePickle(&d, data) == nil && len(d.images) != len(d.labels) {
				t.Fatalf("%d pictures, %d labels", len(d.images), len(d.labels))
			}
		}
	})
}

func FuzzAnnotations(f *testing.F) {
	data, err := os.ReadFile("testdata/published/coco/annotations/instances_train2017.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := readAnnotations(bytes.NewReader(data))
		if err != nil {
			return
		}
		if d, err := a.single("dir"); err == nil && len(d.boxes) != d.Len() {
			t.Fatalf("%d boxes of %d pictures", len(d.boxes), d.Len())
		}
	})
}

func FuzzTar(f *testing.F) {
	data, err := os.ReadFile("testdata/published/shards/train-000.tar")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	more, err := os.ReadFile("testdata/published/shards/train-001.tar")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(more)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "train.tar")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, depth := range []Depth16{High, Scale} {
			ds, err := openShards(Options{Dir: filepath.Dir(path), Train: true, Depth16: depth})
			if err != nil {
				return
			}
			if err := checkLabels(ds); err != nil {
				t.Fatal(err)
			}
			for i := range ds.Len() {
				_, _ = ds.Image(i)
			}
			if err := Close(ds); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray16(image.Rect(0, 0, 5, 4)))
	f.Add(b.Bytes())
	paths, err := filepath.Glob("testdata/decode/*.*")
	paths = slices.DeleteFunc(paths, func(p string) bool { return filepath.Ext(p) == ".json" })
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
		for _, depth := range []Depth16{High, Percentile} {
			p, err := decodePart(data, nil, depth)
			if err == nil && p.Validate() != nil {
				t.Fatal(p.Validate())
			}
		}
		if src, err := decodeImage(data); err == nil { // without libjpeg
			if m := toRGB(src, Scale); m.Validate() != nil {
				t.Fatal(m.Validate())
			}
		}
	})
}
