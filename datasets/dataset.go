// Package datasets holds the data sets, one a file, and the loader that turns
// them into batches of views.
package datasets

import (
	"sync/atomic"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/transforms"
)

// Dataset is a finite list of labelled pictures. Its methods may be called from
// several goroutines.
type Dataset interface {
	// Name tells what it is, as "cifar10 train".
	Name() string
	// Len is the number of pictures.
	Len() int
	// Classes are the names of the labels.
	Classes() []string
	// Label returns the class of picture i; -1 where it has none.
	Label(i int) int
	// Image returns picture i; it must not be written to.
	Image(i int) (transforms.Image, error)
}

// Partial is a data set that can decode a part of a picture, or at a fraction of
// its size. What it returns holds at least what is needed.
type Partial interface {
	// Part returns what is needed of picture i.
	Part(i int, need Need) (transforms.Part, error)
}

// readPart is picture i of ds, or what is needed of it.
func readPart(ds Dataset, i int, need Need) (transforms.Part, error) {
	if p, ok := ds.(Partial); ok && need != nil {
		return p.Part(i, need)
	}
	m, err := ds.Image(i)
	return transforms.Whole(m), err
}

// Variant says what of a picture is shown.
type Variant string

// The variants of a picture whose foreground is known.
const (
	Full           Variant = "full"
	ForegroundOnly Variant = "foreground"     // the background is plain gray
	NewBackground  Variant = "new-background" // another background, independent of the class
)

// Variants lists what a data set whose foreground is known can show.
func Variants(ds Foreground) []Variant {
	if own, ok := ds.(interface{ Variants() []Variant }); ok {
		return own.Variants()
	}
	return []Variant{Full, ForegroundOnly, NewBackground}
}

// Foreground is a data set that knows where the object is.
type Foreground interface {
	Dataset
	// Box is where the object of picture i is, in pixels.
	Box(i int) transforms.Box
	// Variant is picture i as v shows it.
	Variant(i int, v Variant) (transforms.Image, error)
}

// WithVariant returns ds showing a variant of its pictures.
func WithVariant(ds Foreground, v Variant) Dataset { return variant{ds, v} }

type variant struct {
	Foreground
	v Variant
}

func (d variant) Name() string                          { return d.Foreground.Name() + ", " + string(d.v) }
func (d variant) Image(i int) (transforms.Image, error) { return d.Variant(i, d.v) }

// Part implements Partial: full pictures are their data set's.
func (d variant) Part(i int, need Need) (transforms.Part, error) {
	if d.v == Full {
		return readPart(d.Foreground, i, need)
	}
	m, err := d.Image(i)
	return transforms.Whole(m), err
}

// Options say which data set and which part of it.
type Options struct {
	Name        string   // as All lists them
	Dir         string   // where its files are; of confounded: its backgrounds
	Train       bool     // the training part, or the test part
	Unlabelled  bool     // with the training part those without labels, where there are such (stl10)
	Classes     []string // only these, of data sets in class folders; none: all
	Labels      string   // imagenet: file with the labels of a flat val
	Count       int      // pictures drawn: shapes and confounded (0: 5000 to train, 2000 to test)
	Size        int      // side of a drawn picture in pixels (0: 32)
	Seed        uint64   // of drawn pictures, and of replaced backgrounds
	Correlation float64  // share of drawn pictures whose background is their class's; the others' is any
	Foreground  string   // of confounded: shapes (0) or the folder of Fashion-MNIST
	Depth16     Depth16  // of pictures in files: how samples of 16 bits become 8
}

// Info describes a data set in lists: its name, what it is, the files it needs
// below its folder DIR, and where they are from.
type Info struct {
	Name, About, Layout, Source string
	Sums                        []Sum // of files, as published
}

type entry struct {
	Info
	open func(Options) (Dataset, error)
	find []string // folders to look into if Options.Dir is empty
}

func registry() []entry {
	return []entry{
		{Info{Name: "shapes", About: "objects of 10 classes over drawn backgrounds, the foreground known", Layout: "none", Source: "drawn by this program"}, openShapes, nil},
		{Info{Name: "cifar10", About: "CIFAR-10, binary or Python version (no pickle is run)", Layout: "DIR/cifar-10-batches-bin/data_batch_1.bin ... test_batch.bin, or DIR/cifar-10-batches-py/data_batch_1 ... test_batch",
			Source: "https://www.cs.toronto.edu/~kriz/cifar.html", Sums: cifar10Sums()}, openCIFAR, nil},
		{Info{Name: "cifar100", About: "CIFAR-100, fine labels, binary or Python version", Layout: "DIR/cifar-100-binary/train.bin, test.bin, or DIR/cifar-100-python/train, test",
			Source: "https://www.cs.toronto.edu/~kriz/cifar.html", Sums: cifar100Sums()}, openCIFAR, nil},
		{Info{Name: "stl10", About: "STL-10, binary version; the training part can have its 100,000 pictures without labels, too", Layout: "DIR/stl10_binary/train_X.bin, train_y.bin, test_X.bin, test_y.bin, unlabeled_X.bin",
			Source: "https://cs.stanford.edu/~acoates/stl10", Sums: stl10Sums()}, openSTL10, nil},
		{Info{Name: "tiny_imagenet", About: "Tiny ImageNet", Layout: "DIR/tiny-imagenet-200/train/SYNSET/images/*.JPEG, val/images/*.JPEG, val/val_annotations.txt", Source: "http://cs231n.stanford.edu/tiny-imagenet-200.zip"}, openTinyImageNet, nil},
		{Info{Name: "imagenet", About: "ImageNet, ILSVRC 2012; all classes, or a list of them (ImageNet-100)", Layout: "DIR/train/SYNSET/*.JPEG, DIR/val/SYNSET/*.JPEG, or DIR/val/*.JPEG with a list of their labels (DIR/val.txt, DIR/LOC_val_solution.csv or another file)",
			Source: "https://image-net.org/download.php"}, openImageNet, nil},
		{Info{Name: "coco", About: "COCO: the pictures with one object, of the paper's 30 classes; foreground by its box", Layout: "DIR/annotations/instances_train2017.json, instances_val2017.json, DIR/train2017, DIR/val2017 (or 2014)",
			Source: "https://cocodataset.org/#download"}, openCOCO, nil},
		{Info{Name: "fashion_mnist", About: "Fashion-MNIST, IDX files", Layout: "DIR/train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each also as .gz (or in DIR/FashionMNIST/raw); default: those of Debian's package dataset-fashion-mnist",
			Source: "https://github.com/zalandoresearch/fashion-mnist"}, openFashionMNIST, []string{debianFashionMNIST}},
		{Info{Name: "folder", About: "any pictures (" + readable + "), a folder for each class", Layout: "DIR/train/CLASS/**, DIR/test/CLASS/** (or val, valid, validation, testing); or DIR/CLASS/**, of which every tenth is for testing", Source: "your own"}, openFolder, nil},
		{Info{Name: "unlabelled", About: "any pictures (" + readable + "), at any depth, without labels: for pre-training", Layout: "DIR/**/*", Source: "your own"}, openUnlabelled, nil},
		{Info{Name: "shards", About: "pictures in tar files, read where they lie: WebDataset's (KEY.jpg, KEY.cls or KEY.json), or class folders", Layout: "DIR/train*.tar, DIR/val*.tar (or test), or DIR/train/*.tar, DIR/val/*.tar", Source: "your own"}, openShards, nil},
		{Info{Name: "confounded", About: "garments of Fashion-MNIST or drawn objects pasted over the pictures of a folder, the foreground known", Layout: "DIR as for folder; the garments' folder as for fashion_mnist", Source: "your own"}, openConfounded, nil},
	}
}

// All lists the data sets that Open knows.
func All() []Info {
	var out []Info
	for _, e := range registry() {
		out = append(out, e.Info)
	}
	return out
}

// Names lists the names that Open knows.
func Names() []string {
	var out []string
	for _, i := range All() {
		out = append(out, i.Name)
	}
	return out
}

// Open opens a part of a data set by name. Errors name the files that are missing
// or wrong; pictures are read when they are asked for.
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
				return nil, field.Errorf("{datasets.Name} %s needs {datasets.Dir}: the folder with %s", o.Name, e.Layout)
			}
			return e.opened(o)
		}
		names = append(names, e.Name)
	}
	return nil, suggest.Unknown("dataset", o.Name, names)
}

// opened opens the data set, checks it, and looks at some of its pictures.
func (e entry) opened(o Options) (Dataset, error) {
	ds, err := e.open(o)
	if err != nil {
		return nil, err
	}
	if err := checkLabels(ds); err != nil {
		Close(ds)
		return nil, err
	}
	if d, ok := ds.(interface{ tell(notes []error) }); ok {
		d.tell(noteFewLevels(ds, o.Depth16))
	}
	return ds, nil
}

func splitName(name string, train bool) string {
	if train {
		return name + " train"
	}
	return name + " test"
}

// Counts returns the number of pictures of each class; those without a label
// count nowhere.
func Counts(ds Dataset) []int {
	counts := make([]int, len(ds.Classes()))
	for i := range ds.Len() {
		if l := ds.Label(i); l >= 0 {
			counts[l]++
		}
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

// bounded is get that keeps no more than keepBytes in all, which kept counts.
func (c *cache) bounded(i int, kept *atomic.Int64) (transforms.Image, error) {
	if m := c.images[i].Load(); m != nil {
		return *m, nil
	}
	m, err := c.make(i)
	if err == nil && kept.Load() < cacheBytes && c.images[i].CompareAndSwap(nil, &m) {
		kept.Add(int64(len(m.Pix)))
	}
	return m, err
}
