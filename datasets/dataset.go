// Package datasets holds the data sets, one a file, and the loader that turns
// them into batches of views.
package datasets

import (
	"fmt"
	"runtime"
	"sync"
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
}

func registry() []entry {
	return []entry{
		{Info{"shapes", "objects of 10 classes over drawn backgrounds, the foreground known; nothing to download", "none"}, openShapes},
		{Info{"cifar10", "CIFAR-10, binary version", "data_batch_1.bin ... data_batch_5.bin, test_batch.bin (in DIR or DIR/cifar-10-batches-bin)"}, openCIFAR10},
		{Info{"folder", "any pictures, PNG or JPEG, a folder for each class", "DIR/train/CLASS/*, DIR/test/CLASS/* (or val); or DIR/CLASS/*, of which every tenth is for testing"}, openFolder},
		{Info{"fashion_mnist", "Fashion-MNIST, IDX files", "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each also as .gz"}, openFashionMNIST},
		{Info{"confounded", "garments of Fashion-MNIST or drawn objects pasted over the pictures of a folder, the foreground known", "DIR as for folder; --foreground-dir as for fashion_mnist"}, openConfounded},
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

// oneClass is an error for data that a classifier cannot be evaluated on.
func oneClass(where string, classes []string) error {
	if len(classes) == 1 {
		return fmt.Errorf("%s has one class only (%s); accuracy needs two or more", where, classes[0])
	}
	return nil
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

// parallel runs f for 0..n-1 on all cores and returns the error of the smallest
// index that failed.
func parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = f(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
