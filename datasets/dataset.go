// Package datasets holds the data sets, one a file, and the loader that turns
// them into batches of views.
package datasets

import (
	"fmt"
	"sync/atomic"

	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/transforms"
)

// Dataset is a finite list of labelled pictures. Its methods may be called from
// several goroutines.
type Dataset interface {
	// Name tells what it is, as "cifar10 train".
	Name() string
	Len() int
	// Classes are the names of the labels.
	Classes() []string
	// Label returns the class of picture i.
	Label(i int) int
	// Image returns picture i; it must not be written to.
	Image(i int) (transforms.Image, error)
}

// Variant says what of a picture is shown.
type Variant string

// The variants of a picture whose foreground is known.
const (
	Full           Variant = "full"
	ForegroundOnly Variant = "foreground"     // the background is plain gray
	NewBackground  Variant = "new-background" // another background, independent of the class
)

// Variants lists all three.
func Variants() []Variant { return []Variant{Full, ForegroundOnly, NewBackground} }

// Foreground is a data set that knows where the object is.
type Foreground interface {
	Dataset
	Box(i int) transforms.Box
	Variant(i int, v Variant) (transforms.Image, error)
}

// View returns ds showing a variant of its pictures.
func View(ds Foreground, v Variant) Dataset { return variant{ds, v} }

type variant struct {
	Foreground
	v Variant
}

func (d variant) Name() string                          { return d.Foreground.Name() + ", " + string(d.v) }
func (d variant) Image(i int) (transforms.Image, error) { return d.Variant(i, d.v) }

// Options say which data set and which part of it.
type Options struct {
	Name        string  // shapes, cifar10, folder, fashion_mnist or confounded
	Dir         string  // where its files are; of confounded: its backgrounds
	Train       bool    // the training part, or the test part
	Count       int     // pictures drawn: shapes and confounded (0: 5000 to train, 2000 to test)
	Size        int     // side of a drawn picture in pixels (0: 32)
	Seed        uint64  // of drawn pictures
	Correlation float64 // share of drawn pictures whose background is their class's; the others' is any
	Foreground  string  // of confounded: shapes (0) or the folder of Fashion-MNIST
}

// Info describes a data set in lists.
type Info struct {
	Name, About, Layout string
}

type entry struct {
	Info
	open func(Options) (Dataset, error)
	find []string // folders to look into where --data-dir is not given
}

func registry() []entry {
	return []entry{
		{Info{"shapes", "objects of 10 classes over drawn backgrounds, the foreground known; nothing to download", "none"}, openShapes, nil},
		{Info{"cifar10", "CIFAR-10, binary version", "data_batch_1.bin ... data_batch_5.bin, test_batch.bin (in DIR or DIR/cifar-10-batches-bin)"}, openCIFAR10, nil},
		{Info{"folder", "any pictures, PNG or JPEG, a folder for each class", "DIR/train/CLASS/*, DIR/test/CLASS/* (or val); or DIR/CLASS/*, of which every tenth is for testing"}, openFolder, nil},
		{Info{"fashion_mnist", "Fashion-MNIST, IDX files", "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each also as .gz (in DIR or DIR/FashionMNIST/raw); without --data-dir those of Debian's package dataset-fashion-mnist"}, openFashionMNIST, []string{debianFashionMNIST}},
		{Info{"confounded", "garments of Fashion-MNIST or drawn objects pasted over the pictures of a folder, the foreground known", "DIR as for folder; --foreground-dir as for fashion_mnist"}, openConfounded, nil},
	}
}

// All lists the data sets.
func All() []Info {
	var out []Info
	for _, e := range registry() {
		out = append(out, e.Info)
	}
	return out
}

// Open opens a data set by name.
func Open(o Options) (Dataset, error) {
	if !(o.Correlation >= 0 && o.Correlation <= 1) {
		return nil, fmt.Errorf("--correlation %g: want 0 to 1", o.Correlation)
	}
	if o.Count < 0 || o.Size < 0 || o.Size > 0 && o.Size < 8 || o.Size > 1024 {
		return nil, fmt.Errorf("%d drawn pictures of %d pixels: want a positive count and 8 to 1024 pixels", o.Count, o.Size)
	}
	if o.Size == 0 {
		o.Size = 32
	}
	if o.Count == 0 {
		o.Count = 2000
		if o.Train {
			o.Count = 5000
		}
	}
	var names []string
	for _, e := range registry() {
		if e.Name == o.Name {
			for _, dir := range e.find {
				if o.Dir == "" && isDir(dir) {
					o.Dir = dir
				}
			}
			if o.Dir == "" && o.Name != "shapes" {
				return nil, fmt.Errorf("--dataset %s needs --data-dir: the folder with %s", o.Name, e.Layout)
			}
			return e.open(o)
		}
		names = append(names, e.Name)
	}
	return nil, suggest.Unknown("dataset", o.Name, names)
}

func part(name string, train bool) string {
	if train {
		return name + " train"
	}
	return name + " test"
}

// Counts returns the number of pictures of each class.
func Counts(ds Dataset) []int {
	counts := make([]int, len(ds.Classes()))
	for i := range ds.Len() {
		counts[ds.Label(i)]++
	}
	return counts
}

// cache keeps decoded pictures, each made once when first asked for.
type cache struct {
	images []atomic.Pointer[transforms.Image]
	make   func(i int) (transforms.Image, error)
}

func newCache(n int, make_ func(i int) (transforms.Image, error)) *cache {
	return &cache{images: make([]atomic.Pointer[transforms.Image], n), make: make_}
}

func (c *cache) get(i int) (transforms.Image, error) {
	if m := c.images[i].Load(); m != nil {
		return *m, nil
	}
	m, err := c.make(i)
	if err != nil {
		return m, err
	}
	c.images[i].Store(&m)
	return m, nil
}

// keep is get, and adds the size of what it keeps to bytes.
func (c *cache) keep(i int, bytes *atomic.Int64) (transforms.Image, error) {
	if m := c.images[i].Load(); m != nil {
		return *m, nil
	}
	m, err := c.make(i)
	if err == nil && c.images[i].CompareAndSwap(nil, &m) {
		bytes.Add(int64(len(m.Pix)))
	}
	return m, err
}
