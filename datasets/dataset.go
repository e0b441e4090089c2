// Package datasets has the data sets, and the loader that turns them into batches of views.
package datasets

import (
	"sync/atomic"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/transforms"
)

// Dataset is a finite list of labelled pictures. Several goroutines may call its methods.
type Dataset interface {
	// Name describes the data set, as "cifar10 train".
	Name() string
	// Len is the number of pictures.
	Len() int
	// Classes are the names of the labels.
	Classes() []string
	// Label returns the class of picture i, or -1 if it has none.
	Label(i int) int
	// Image returns picture i, which the caller must not change.
	Image(i int) (transforms.Image, error)
}

// Partial is a data set that can decode a part of a picture, or decode it at a fraction of its size.
type Partial interface {
	// Part returns at least the part of picture i that is needed.
	Part(i int, need Need) (transforms.Part, error)
}

// readPart returns picture i of ds, or the part of it that is needed if ds can decode that alone.
func readPart(ds Dataset, i int, need Need) (transforms.Part, error) {
	if p, ok := ds.(Partial); ok && need != nil {
		return p.Part(i, need)
	}
	m, err := ds.Image(i)
	return transforms.Whole(m), err
}

// Variant selects the version of a picture whose foreground is known.
type Variant string

// The variants.
const (
	Full           Variant = "full"           // the picture as it is
	ForegroundOnly Variant = "foreground"     // on a plain gray background
	NewBackground  Variant = "new-background" // on another background, which is independent of the class
)

// Variants lists the variants that ds can show.
func Variants(ds Foreground) []Variant {
	if v, ok := ds.(interface{ Variants() []Variant }); ok {
		return v.Variants()
	}
	return []Variant{Full, ForegroundOnly, NewBackground}
}

// Foreground is a data set that knows where the object of each picture is.
type Foreground interface {
	Dataset
	// Box returns the bounding box of the object of picture i, in pixels.
	Box(i int) transforms.Box
	// Variant returns variant v of picture i.
	Variant(i int, v Variant) (transforms.Image, error)
}

// WithVariant returns ds with variant v of each picture.
func WithVariant(ds Foreground, v Variant) Dataset { return variant{ds, v} }

type variant struct {
	Foreground
	v Variant
}

func (d variant) Name() string                          { return d.Foreground.Name() + ", " + string(d.v) }
func (d variant) Image(i int) (transforms.Image, error) { return d.Variant(i, d.v) }

// Part implements Partial. Only full pictures can be decoded in part.
func (d variant) Part(i int, need Need) (transforms.Part, error) {
	if d.v == Full {
		return readPart(d.Foreground, i, need)
	}
	m, err := d.Image(i)
	return transforms.Whole(m), err
}

// Options selects a data set and its split.
type Options struct {
	Name        string   `yaml:"dataset"`        // one of Names
	Dir         string   `yaml:"data-dir"`       // folder of the files; confounded: folder of the backgrounds
	Train       bool     `yaml:"-"`              // the training split; false: the test split
	Unlabelled  bool     `yaml:"unlabelled"`     // stl10: adds the pictures without labels to the training split
	Classes     []string `yaml:"-"`              // data sets in class folders: only these classes; nil: all
	Labels      string   `yaml:"val-labels"`     // imagenet: file with the labels of a val folder without class folders
	Count       int      `yaml:"count"`          // shapes, confounded: pictures (0: 5000 for training, 2000 for testing)
	Size        int      `yaml:"-"`              // shapes, confounded: side of a picture in pixels (0: 32)
	Seed        uint64   `yaml:"data-seed"`      // of drawn pictures and of new backgrounds
	Correlation float64  `yaml:"correlation"`    // share of drawn pictures on a background of their class
	Foreground  string   `yaml:"foreground-dir"` // confounded: folder of Fashion-MNIST; "" or "shapes": drawn objects
	Depth16     Depth16  `yaml:"depth16"`        // pictures in files: how samples of 16 bits become 8
}

// Open opens a split of a data set by name. Errors name the files that are missing or wrong. Pictures
// are read when they are asked for.
func Open(o Options) (Dataset, error) {
	if !(o.Correlation >= 0 && o.Correlation <= 1) {
		return nil, field.Errorf("{datasets.Correlation} %g: want 0 to 1", o.Correlation)
	}
	if err := o.Depth16.check(); err != nil {
		return nil, err
	}
	if o.Count < 0 {
		return nil, field.Errorf("{datasets.Count} %d: want 0 or more", o.Count)
	}
	if o.Size != 0 && (o.Size < 8 || o.Size > 1024) {
		return nil, field.Errorf("{datasets.Size} %d: want 8 to 1024 pixels", o.Size)
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
				return nil, field.Errorf(
					"{datasets.Name} %s needs {datasets.Dir}: the folder with %s",
					o.Name,
					e.Layout,
				)
			}
			return e.opened(o)
		}
		names = append(names, e.Name)
	}
	return nil, suggest.Unknown("dataset", o.Name, names)
}

// opened opens the data set and checks its labels and some of its pictures.
func (e entry) opened(o Options) (Dataset, error) {
	ds, err := e.open(o)
	if err != nil {
		return nil, err
	}
	if err := checkLabels(ds); err != nil {
		Close(ds)
		return nil, err
	}
	if d, ok := ds.(interface{ addNotes(notes []string) }); ok {
		d.addNotes(noteFewLevels(ds, o.Depth16))
	}
	return ds, nil
}

func splitName(name string, train bool) string {
	if train {
		return name + " train"
	}
	return name + " test"
}

// Counts returns the number of pictures of each class. Pictures without a label are not counted.
func Counts(ds Dataset) []int {
	counts := make([]int, len(ds.Classes()))
	for i := range ds.Len() {
		if l := ds.Label(i); l >= 0 {
			counts[l]++
		}
	}
	return counts
}

// cache keeps pictures that were decoded or drawn when first asked for.
type cache struct {
	images []atomic.Pointer[transforms.Image]
	create func(i int) (transforms.Image, error)
}

func newCache(n int, create func(i int) (transforms.Image, error)) *cache {
	return &cache{images: make([]atomic.Pointer[transforms.Image], n), create: create}
}

func (c *cache) get(i int) (transforms.Image, error) {
	if m := c.images[i].Load(); m != nil {
		return *m, nil
	}
	m, err := c.create(i)
	if err != nil {
		return m, err
	}
	c.images[i].Store(&m)
	return m, nil
}

// bounded is get with a cache of at most cacheBytes. cached counts the bytes.
func (c *cache) bounded(i int, cached *atomic.Int64) (transforms.Image, error) {
	if m := c.images[i].Load(); m != nil {
		return *m, nil
	}
	m, err := c.create(i)
	if err == nil && cached.Load() < cacheBytes && c.images[i].CompareAndSwap(nil, &m) {
		cached.Add(int64(len(m.Pix)))
	}
	return m, err
}
