package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

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
	kept    atomic.Int64 // bytes of decoded pictures in the cache
}

// keepBytes bounds the decoded pictures that stay in memory.
const keepBytes = 512 << 20

func openFolder(o Options) (Dataset, error) {
	d := &folder{dir: o.Dir, train: o.Train}
	if err := d.scan(); err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	d.cache = newCache(len(d.paths), func(i int) (transforms.Image, error) { return decodeFile(d.paths[i]) })
	return d, nil
}

// scan lists the pictures of this part in sorted order. The classes are those
// of the training part, so that a label means the same in both. Without folders
// of its own for testing, every tenth picture of a class is for that.
func (d *folder) scan() error {
	trainDir, testDir, err := parts(d.dir)
	if err != nil {
		return err
	}
	folders, loose, err := classFolders(trainDir)
	if err != nil {
		return err
	}
	for _, c := range folders {
		d.classes = append(d.classes, c.name)
	}
	switch {
	case len(folders) == 0:
		return fmt.Errorf("%s has no class folders with PNG or JPEG pictures (%d loose files); want %s/CLASS/*.jpg", trainDir, loose, trainDir)
	case len(folders) == 1:
		return fmt.Errorf("%s has one class only (%s); accuracy needs two or more", trainDir, d.classes[0])
	case trainDir == testDir:
		d.addEveryTenth(trainDir, folders)
	case d.train:
		d.add(trainDir, folders, func(label int) int { return label })
	case testDir == "":
		return fmt.Errorf("%s has train but neither test nor val; want %s/test/CLASS/*.jpg", d.dir, d.dir)
	default:
		return d.addTest(testDir, trainDir)
	}
	if len(d.paths) == 0 {
		return fmt.Errorf("no class of %s has the ten pictures of which one is for testing; add more, or %s/train/CLASS and %s/test/CLASS", d.dir, d.dir, d.dir)
	}
	return nil
}

// add appends the pictures of class folders in dir.
func (d *folder) add(dir string, folders []classFolder, label func(k int) int) {
	for k, c := range folders {
		for _, f := range c.files {
			d.paths, d.labels = append(d.paths, filepath.Join(dir, c.name, f)), append(d.labels, label(k))
		}
	}
}

func (d *folder) addEveryTenth(dir string, folders []classFolder) {
	for label, c := range folders {
		for k, f := range c.files {
			if test := k%10 == 9; test != d.train {
				d.paths, d.labels = append(d.paths, filepath.Join(dir, c.name, f)), append(d.labels, label)
			}
		}
	}
}

// addTest appends the testing part, whose classes must be among the training
// part's; it may lack some.
func (d *folder) addTest(dir, trainDir string) error {
	folders, loose, err := classFolders(dir)
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return fmt.Errorf("%s has no class folders with PNG or JPEG pictures (%d loose files); want %s/CLASS/*.jpg", dir, loose, dir)
	}
	number := map[string]int{}
	for label, name := range d.classes {
		number[name] = label
	}
	labels := make([]int, len(folders))
	for k, c := range folders {
		label, ok := number[c.name]
		if !ok {
			return fmt.Errorf("class %s is in %s but not in %s; remove it, or add it there", c.name, dir, trainDir)
		}
		labels[k] = label
	}
	d.add(dir, folders, func(k int) int { return labels[k] })
	return nil
}

func (d *folder) Name() string      { return part("folder "+d.dir, d.train) }
func (d *folder) Len() int          { return len(d.paths) }
func (d *folder) Classes() []string { return d.classes }
func (d *folder) Label(i int) int   { return d.labels[i] }

func (d *folder) Image(i int) (transforms.Image, error) {
	if d.kept.Load() < keepBytes {
		return d.cache.keep(i, &d.kept)
	}
	if m := d.cache.images[i].Load(); m != nil {
		return *m, nil
	}
	return d.cache.make(i)
}

// isDir follows links.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
