package datasets

import (
	"fmt"
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
	read  func(i int) (data []byte, name string, err error) // nil: the file of that path
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
	if d.read == nil {
		return decodeFile(d.paths[i])
	}
	data, name, err := d.read(i)
	if err != nil {
		return transforms.Image{}, err
	}
	return decodeNamed(data, name)
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
