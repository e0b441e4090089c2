package datasets

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/icl-msr/icl-msr/transforms"
)

// pictures is a list of picture files that are decoded each time they are asked for.
type pictures struct {
	paths []string
	depth Depth16
	notes []string
}

// Pictures returns a data set of the files that paths name, in order, without labels. A folder stands
// for all pictures in it at any depth, sorted.
func Pictures(paths []string) (Dataset, error) { return PicturesAs(paths, High) }

// PicturesAs is Pictures with a way to convert samples of 16 bits to 8.
func PicturesAs(paths []string, depth Depth16) (Dataset, error) {
	d := pictures{depth: depth}
	for _, p := range paths {
		if !isDir(p) {
			if err := readableFile(p); err != nil {
				return nil, err
			}
			d.paths = append(d.paths, p)
			continue
		}
		below, notes, err := picturesBelow(p)
		if err != nil {
			return nil, err
		}
		d.paths, d.notes = append(d.paths, below...), append(d.notes, notes...)
	}
	if len(d.paths) == 0 {
		return nil, fmt.Errorf("no pictures")
	}
	d.notes = append(d.notes, noteFewLevels(d, depth)...)
	return d, nil
}

// picturesBelow lists the picture files in dir at any depth, sorted, and notes what else is there. It
// follows links and skips hidden folders.
func picturesBelow(dir string) (paths, notes []string, err error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := walk(root)
	if err != nil {
		return nil, nil, err
	}
	if len(f.pictures) == 0 {
		return nil, nil, fmt.Errorf("%s has no pictures in it or below (%s)", dir, f.what())
	}
	for _, p := range f.pictures {
		paths = append(paths, filepath.Join(root, p))
	}
	slices.Sort(paths)
	return paths, f.notes(dir), nil
}

func (d pictures) Name() string                          { return fmt.Sprintf("%d pictures", len(d.paths)) }
func (d pictures) Len() int                              { return len(d.paths) }
func (d pictures) Classes() []string                     { return nil }
func (d pictures) Label(int) int                         { return -1 }
func (d pictures) Image(i int) (transforms.Image, error) { return decodeFile(d.paths[i], d.depth) }
func (d pictures) pictureName(i int) string              { return d.paths[i] }
func (d *files) pictureName(i int) string                { return d.paths[i] }
func (d *subset) pictureName(i int) string               { return PictureName(d.Dataset, d.which[i]) }

// PictureName returns the file of picture i, or its number if it has no file.
func PictureName(ds Dataset, i int) string {
	if n, ok := ds.(interface{ pictureName(i int) string }); ok {
		return n.pictureName(i)
	}
	return strconv.Itoa(i)
}
