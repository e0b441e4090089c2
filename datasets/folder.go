package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/icl-msr/icl-msr/transforms"
)

// folder is a folder of class folders. Small ones are kept decoded.
type folder struct {
	dir     string
	train   bool
	classes []string
	paths   []string
	labels  []int
	cache   *cache
	budget  struct {
		sync.Mutex
		bytes int
	}
}

// keepBytes bounds the decoded pictures that stay in memory.
const keepBytes = 1 << 30

func openFolder(o Options) (Dataset, error) {
	if !isDir(o.Dir) {
		if _, err := os.Stat(o.Dir); err != nil {
			return nil, fmt.Errorf("folder: %w", err)
		}
		return nil, fmt.Errorf("folder: %s is a file; --data-dir takes a folder of class folders", o.Dir)
	}
	d := &folder{dir: o.Dir, train: o.Train}
	root, split := o.Dir, true
	for _, name := range map[bool][]string{true: {"train"}, false: {"test", "val", "validation"}}[o.Train] {
		if sub := filepath.Join(o.Dir, name); isDir(sub) {
			root, split = sub, false
			break
		}
	}
	if split && isDir(filepath.Join(o.Dir, "train")) && !o.Train {
		return nil, fmt.Errorf("folder: %s has train but neither test nor val", o.Dir)
	}
	if err := d.scan(root, split); err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	d.cache = newCache(len(d.paths), func(i int) (transforms.Image, error) { return decodeFile(d.paths[i]) })
	return d, nil
}

// scan lists the pictures of root's class folders in sorted order. Without
// folders of its own for testing, every tenth picture of a class is for that.
func (d *folder) scan(root string, split bool) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	loose := 0
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !isDir(path) {
			loose++
			continue
		}
		files, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		n := 0
		for _, f := range files {
			if !isPicture(f.Name()) {
				continue
			}
			if test := n%10 == 9; !split || test != d.train {
				d.paths, d.labels = append(d.paths, filepath.Join(path, f.Name())), append(d.labels, len(d.classes))
			}
			n++
		}
		if n > 0 {
			d.classes = append(d.classes, e.Name())
		}
	}
	if len(d.paths) == 0 {
		return fmt.Errorf("%s has no class folders with PNG or JPEG pictures (%d loose files); want %s/CLASS/*.jpg", root, loose, root)
	}
	return oneClass(root, d.classes)
}

func isPicture(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(name)))
}

func (d *folder) Name() string      { return part("folder "+d.dir, d.train) }
func (d *folder) Len() int          { return len(d.paths) }
func (d *folder) Classes() []string { return d.classes }
func (d *folder) Label(i int) int   { return d.labels[i] }

func (d *folder) Image(i int) (transforms.Image, error) {
	if m := d.cache.images[i].Load(); m != nil {
		return *m, nil
	}
	m, err := d.cache.make(i)
	if err != nil {
		return m, err
	}
	d.budget.Lock()
	defer d.budget.Unlock()
	if d.budget.bytes+len(m.Pix) <= keepBytes {
		d.budget.bytes += len(m.Pix)
		d.cache.images[i].Store(&m)
	}
	return m, nil
}
