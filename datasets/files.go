package datasets

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/icl-msr/icl-msr/transforms"
)

// listing is what a scan of a data set finds.
type listing struct {
	classes []string
	paths   []string
	labels  []int // -1 without one
}

// files is a data set of picture files, decoded when asked for. Small sets stay
// decoded.
type files struct {
	listing
	name  string
	read  func(i int) (data []byte, name string, err error)    // nil: the file of that path
	rawAt func(i int) (r io.ReadCloser, size int64, err error) // likewise, unread
	side  int                                                  // of all pictures in pixels; 0: not known
	cache *cache
	kept  atomic.Int64 // bytes of decoded pictures in the cache
}

// keepBytes bounds the decoded pictures that stay in memory.
const keepBytes = 512 << 20

// newFiles reads the listing's paths as files.
func newFiles(name string, l listing) *files {
	d := &files{listing: l, name: name}
	d.cache = newCache(len(l.paths), d.decode)
	return d
}

func (d *files) decode(i int) (transforms.Image, error) {
	p, err := d.part(i, nil)
	return p.Image, err
}

// part decodes picture i, or what is needed of it.
func (d *files) part(i int, need Need) (transforms.Part, error) {
	read, name := os.ReadFile, d.paths[i]
	if d.read != nil {
		read = func(string) (data []byte, err error) {
			data, name, err = d.read(i)
			return data, err
		}
	}
	data, err := read(name)
	if err != nil {
		return transforms.Part{}, err
	}
	return decodeNamed(data, name, need)
}

// Part implements Partial. As long as decoded pictures find room in memory they
// are kept, so whole. What is to be shrunk never comes from there, so that what
// a view looks like does not depend on what was kept.
func (d *files) Part(i int, need Need) (transforms.Part, error) {
	if m := d.cache.images[i].Load(); m != nil && need(m.Width, m.Height).Shrink == 1 {
		return transforms.Whole(*m), nil
	}
	keep := false
	p, err := d.part(i, func(width, height int) transforms.Needs {
		n := need(width, height)
		if keep = n.Shrink == 1 && d.kept.Load() < keepBytes; keep {
			n.Box = transforms.Box{Width: width, Height: height}
		}
		return n
	})
	if keep && err == nil && d.cache.images[i].CompareAndSwap(nil, &p.Image) {
		d.kept.Add(int64(len(p.Pix)))
	}
	return p, err
}

func (d *files) Name() string                          { return d.name }
func (d *files) Len() int                              { return len(d.paths) }
func (d *files) Classes() []string                     { return d.classes }
func (d *files) Label(i int) int                       { return d.labels[i] }
func (d *files) Image(i int) (transforms.Image, error) { return d.cache.bounded(i, &d.kept) }

// only returns the listing of some classes, in the order of their names; an
// empty list is all.
func (l listing) only(classes []string) (listing, error) {
	if len(classes) == 0 {
		return l, nil
	}
	number := map[int]int{} // old to new
	out := listing{classes: slices.Sorted(slices.Values(classes))}
	for k, name := range out.classes {
		old := slices.Index(l.classes, name)
		if old < 0 {
			return l, fmt.Errorf("--classes: no class %s among the %d here (%s, ...)", name, len(l.classes), strings.Join(l.classes[:min(3, len(l.classes))], ", "))
		}
		if k > 0 && out.classes[k-1] == name {
			return l, fmt.Errorf("--classes: %s twice", name)
		}
		number[old] = k
	}
	for i, label := range l.labels {
		if k, ok := number[label]; ok {
			out.paths, out.labels = append(out.paths, l.paths[i]), append(out.labels, k)
		}
	}
	return out, nil
}

// isDir follows links.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
