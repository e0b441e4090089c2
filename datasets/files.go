package datasets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/transforms"
)

// listing is what a scan of a data set finds.
type listing struct {
	classes []string
	paths   []string
	labels  []int   // -1 without one
	root    string  // folder of the class folders; "" where paths are no files'
	notes   []error // for its user
}

// files is a data set of picture files, decoded when asked for. Small sets stay
// decoded.
type files struct {
	listing
	name  string
	read  func(i int) (data []byte, name string, err error)    // nil: the file of that path
	rawAt func(i int) (r io.ReadCloser, size int64, err error) // likewise, unread
	close func() error                                         // nil: nothing is open
	side  int                                                  // of all pictures in pixels; 0: not known
	depth Depth16                                              // of samples of 16 bits
	cache *cache
	cached  atomic.Int64 // bytes of decoded pictures in the cache
}

// cacheBytes bounds the decoded pictures that stay in memory.
const cacheBytes = 512 << 20

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
	data, name, err := d.bytes(i)
	if err != nil {
		return transforms.Part{}, err
	}
	return decodeNamed(data, name, need, d.depth)
}

// bytes is what picture i's file holds.
func (d *files) bytes(i int) (data []byte, name string, err error) {
	if d.read != nil {
		return d.read(i)
	}
	data, err = readFile(d.paths[i])
	return data, d.paths[i], err
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
		if keep = n.Shrink == 1 && d.cached.Load() < cacheBytes; keep {
			n.Box = transforms.Box{Width: width, Height: height}
		}
		return n
	})
	if keep && err == nil && d.cache.images[i].CompareAndSwap(nil, &p.Image) {
		d.cached.Add(int64(len(p.Pix)))
	}
	return p, err
}

func (d *files) Name() string                          { return d.name }
func (d *files) Len() int                              { return len(d.paths) }
func (d *files) Classes() []string                     { return d.classes }
func (d *files) Label(i int) int                       { return d.labels[i] }
func (d *files) Image(i int) (transforms.Image, error) { return d.cache.bounded(i, &d.cached) }

// selectClasses returns the listing of some classes, in the order of their names, and
// which pictures those are; an empty list is all.
func (l listing) selectClasses(classes []string) (out listing, which []int, err error) {
	if len(classes) == 0 {
		for i := range l.paths {
			which = append(which, i)
		}
		return l, which, nil
	}
	number := map[int]int{} // old to new
	out = listing{classes: slices.Sorted(slices.Values(classes)), root: l.root, notes: l.notes}
	for k, name := range out.classes {
		old := slices.Index(l.classes, name)
		if old < 0 {
			return l, nil, field.Errorf("{datasets.Classes}: no class %s among the %d here (%s)",
				name, len(l.classes), joined(l.classes, 3))
		}
		if k > 0 && out.classes[k-1] == name {
			return l, nil, field.Errorf("{datasets.Classes}: %s twice", name)
		}
		number[old] = k
	}
	for i, label := range l.labels {
		if k, ok := number[label]; ok {
			out.paths, out.labels, which = append(out.paths, l.paths[i]), append(out.labels, k), append(which, i)
		}
	}
	return out, which, nil
}

// readFile is os.ReadFile of what is a file: opening a pipe waits forever.
func readFile(path string) ([]byte, error) {
	if err := readableFile(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// readableFile refuses what is no regular file.
func readableFile(path string) error {
	info, err := os.Stat(path)
	var why *fs.PathError
	switch {
	case errors.As(err, &why):
		return fmt.Errorf("%s: %w", path, why.Err)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder; want a picture", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is a pipe, a socket or a device; want a file", path)
	}
	return nil
}

// isFolder tells whether an entry of dir is a folder, or a link to one. Only
// links cost a look at the disk.
func isFolder(dir string, e os.DirEntry) bool {
	return e.IsDir() || e.Type()&os.ModeSymlink != 0 && isDir(filepath.Join(dir, e.Name()))
}

// isDir follows links.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
