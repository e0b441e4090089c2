package datasets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/transforms"
)

// stl10 is the binary version of STL-10 (Coates et al. 2011). A picture is three planes of 96x96 pixels
// in column-major order. Labels begin at 1. Pictures are read when asked for, from files that stay open.
type stl10 struct {
	name    string
	classes []string
	files   []stlFile
	labels  []int
	cache   *cache
	cached  atomic.Int64
}

type stlFile struct {
	file *os.File
	n    int
}

const (
	stlSide   = 96
	stlRecord = 3 * stlSide * stlSide
)

func openSTL10(o Options) (Dataset, error) {
	dir := o.Dir
	if sub := filepath.Join(dir, "stl10_binary"); isDir(sub) {
		dir = sub
	}
	d := &stl10{
		name:    splitName("stl10", o.Train),
		classes: []string{"airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"},
	}
	base := "test"
	if o.Train {
		base = "train"
	}
	if err := d.add(dir, base, true); err != nil {
		d.Close()
		return nil, fmt.Errorf("stl10: %w", err)
	}
	if o.Train && o.Unlabelled {
		d.name += " and unlabelled"
		if err := d.add(dir, "unlabeled", false); err != nil {
			d.Close()
			return nil, field.Errorf("stl10: %w; {datasets.Unlabelled}=false trains without them", err)
		}
	}
	d.cache = newCache(len(d.labels), d.read)
	return d, nil
}

func (d *stl10) add(dir, base string, labelled bool) error {
	path := filepath.Join(dir, base+"_X.bin")
	if err := readableFile(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	d.files = append(d.files, stlFile{f, 0})
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size == 0 || size%stlRecord != 0 {
		return fmt.Errorf("%s: truncated: %d bytes are not a whole number of pictures of %d; fetch it again",
			path, size, stlRecord)
	}
	n := int(size / stlRecord)
	d.files[len(d.files)-1].n = n
	if !labelled {
		for range n {
			d.labels = append(d.labels, -1)
		}
		return nil
	}
	labelPath := filepath.Join(dir, base+"_y.bin")
	labels, err := readFile(labelPath)
	if err != nil {
		return err
	}
	if len(labels) != n {
		return fmt.Errorf("%s has %d labels for %d pictures; fetch it again", labelPath, len(labels), n)
	}
	for i, l := range labels {
		if l < 1 || int(l) > len(d.classes) {
			return fmt.Errorf("%s: label %d at offset %d; want 1 to %d", labelPath, l, i, len(d.classes))
		}
		d.labels = append(d.labels, int(l)-1)
	}
	return nil
}

func (d *stl10) read(i int) (transforms.Image, error) {
	for _, p := range d.files {
		if i >= p.n {
			i -= p.n
			continue
		}
		data := make([]byte, stlRecord)
		if _, err := p.file.ReadAt(data, int64(i)*stlRecord); err != nil {
			return transforms.Image{}, fmt.Errorf("%s: picture %d: %w", p.file.Name(), i, err)
		}
		return planes(data, stlSide, stlSide, true), nil
	}
	return transforms.Image{}, fmt.Errorf("stl10: no picture %d", i)
}

func (d *stl10) Name() string                          { return d.name }
func (d *stl10) Len() int                              { return len(d.labels) }
func (d *stl10) Classes() []string                     { return d.classes }
func (d *stl10) Label(i int) int                       { return d.labels[i] }
func (d *stl10) Image(i int) (transforms.Image, error) { return d.cache.bounded(i, &d.cached) }

// Close implements io.Closer.
func (d *stl10) Close() error {
	var errs []error
	for _, p := range d.files {
		errs = append(errs, p.file.Close())
	}
	return errors.Join(errs...)
}
