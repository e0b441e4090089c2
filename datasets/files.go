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

// listing is the result of scanning a data set.
type listing struct {
	classes []string
	paths   []string
	labels  []int    // -1: no label
	root    string   // folder of the class folders; "" if paths are not files
	notes   []string // warnings for the user
}

// files is a data set of picture files that are decoded when asked for. Up to cacheBytes of decoded
// pictures stay in memory.
type files struct {
	listing
	name   string
	read   func(i int) (data []byte, name string, err error)    // nil: reads the file paths[i]
	rawAt  func(i int) (r io.ReadCloser, size int64, err error) // nil: opens the file paths[i]
	close  func() error                                         // nil: nothing is open
	side   int                                                  // of all pictures in pixels; 0: unknown
	depth  Depth16                                              // how samples of 16 bits become 8
	cache  *cache
	cached atomic.Int64 // bytes of decoded pictures in the cache
}

// cacheBytes bounds the decoded pictures that a data set keeps in memory.
const cacheBytes = 512 << 20

// newFiles returns a data set of the files that the listing names.
func newFiles(name string, l listing) *files {
	d := &files{listing: l, name: name}
	d.cache = newCache(len(l.paths), d.decode)
	return d
}

func (d *files) decode(i int) (transforms.Image, error) {
	p, err := d.part(i, nil)
	return p.Image, err
}

// part decodes the part of picture i that is needed, or all of it if need is nil.
func (d *files) part(i int, need Need) (transforms.Part, error) {
	data, name, err := d.bytes(i)
	if err != nil {
		return transforms.Part{}, err
	}
	return decodeNamed(data, name, need, d.depth)
}

// bytes returns the content of picture i's file.
func (d *files) bytes(i int) (data []byte, name string, err error) {
	if d.read != nil {
		return d.read(i)
	}
	data, err = readFile(d.paths[i])
	return data, d.paths[i], err
}

// Part implements Partial. While the cache has room, it decodes the whole picture and keeps it. A
// shrunk picture never comes from the cache, so that a view does not depend on what the cache holds.
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

// selectClasses returns the listing of the named classes, sorted by name, and the indices of its
// pictures in l. No names select all classes.
func (l listing) selectClasses(classes []string) (out listing, which []int, err error) {
	if len(classes) == 0 {
		for i := range l.paths {
			which = append(which, i)
		}
		return l, which, nil
	}
	number := map[int]int{} // old label to new
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

// readFile is os.ReadFile for regular files only, since opening a pipe would wait forever.
func readFile(path string) ([]byte, error) {
	if err := readableFile(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// readableFile returns an error unless path is a regular file.
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

// isFolder reports whether an entry of dir is a folder or a link to one. Only links are looked up on
// the disk.
func isFolder(dir string, e os.DirEntry) bool {
	return e.IsDir() || e.Type()&os.ModeSymlink != 0 && isDir(filepath.Join(dir, e.Name()))
}

// isDir reports whether path is a folder or a link to one.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
