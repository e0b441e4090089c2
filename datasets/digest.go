package datasets

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// The ranks of a job compare titles and digests. These name no folder, since the data may lie in
// another folder on another machine.

// Title returns picture i's file name and class, as "3.png of class cats".
func Title(ds Dataset, i int) string {
	class := "no class"
	if l, names := ds.Label(i), ds.Classes(); l >= 0 && l < len(names) {
		class = "class " + names[l]
	} else if l >= 0 {
		class = "class " + strconv.Itoa(l)
	}
	name := PictureName(ds, i)
	if name == strconv.Itoa(i) {
		return class
	}
	return filepath.Base(name) + " of " + class
}

// Digest identifies a picture without decoding it.
type Digest struct {
	Bytes int64  // length of the file, or of the pixels if the picture is not a file; -1: not readable
	Sum   uint32 // CRC-32 of the beginning of the file, or of all pixels
}

func (d Digest) String() string {
	if d.Bytes < 0 {
		return "cannot be read"
	}
	return fmt.Sprintf("%d bytes, checksum %08x", d.Bytes, d.Sum)
}

const (
	digestAtMost  = 4096     // pictures
	digestDrawn   = 64       // pictures, if they have to be drawn
	digestReading = 64 << 20 // bytes to read, over all files
)

// Digests returns the digests of all pictures. Of more than 4096 pictures it takes that many, evenly
// spread, and the other digests are zero. Small files are read whole.
func Digests(ds Dataset) []Digest {
	out := make([]Digest, ds.Len())
	most := digestAtMost
	_, drawn := ds.(Foreground)
	raw, ok := ds.(rawReader)
	if drawn && !ok {
		most = digestDrawn
	}
	step := (len(out) + most - 1) / most
	each := int64(digestReading / max(1, min(len(out), most)))
	look := func(i int) Digest { return digestOfPixels(ds, i) }
	if ok {
		look = func(i int) Digest { return digestOfFile(raw, i, each) }
	}
	const readers = 16
	var wg sync.WaitGroup
	for r := range readers {
		wg.Go(func() {
			for i := r * step; i < len(out); i += readers * step {
				out[i] = look(i)
			}
		})
	}
	wg.Wait()
	return out
}

func digestOfPixels(ds Dataset, i int) Digest {
	m, err := ds.Image(i)
	if err != nil {
		return Digest{Bytes: -1}
	}
	return Digest{int64(len(m.Pix)), crc32.ChecksumIEEE(m.Pix)}
}

// rawReader is a data set whose pictures are files or members of files.
type rawReader interface {
	raw(i int) (r io.ReadCloser, size int64, err error)
}

func digestOfFile(ds rawReader, i int, most int64) Digest {
	r, size, err := ds.raw(i)
	if err != nil {
		return Digest{Bytes: -1}
	}
	defer r.Close()
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, io.LimitReader(r, most)); err != nil {
		return Digest{Bytes: -1}
	}
	return Digest{size, h.Sum32()}
}

func openRaw(path string) (io.ReadCloser, int64, error) {
	if err := readableFile(path); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (d pictures) raw(i int) (io.ReadCloser, int64, error) { return openRaw(d.paths[i]) }

func (d *files) raw(i int) (io.ReadCloser, int64, error) {
	if d.rawAt != nil {
		return d.rawAt(i)
	}
	return openRaw(d.paths[i])
}
