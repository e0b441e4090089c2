package datasets

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/icl-msr/icl-msr/transforms"
)

// pictures is a list of picture files, decoded when asked for and not kept.
type pictures []string

// Pictures is the pictures that paths name, in their order: files, and all PNG
// and JPEG files at any depth of folders, sorted. They have no labels.
func Pictures(paths []string) (Dataset, error) {
	var out pictures
	for _, p := range paths {
		if !isDir(p) {
			out = append(out, p) // what is wrong with it shows when it is read
			continue
		}
		below, err := picturesBelow(p)
		if err != nil {
			return nil, err
		}
		if len(below) == 0 {
			return nil, fmt.Errorf("%s has no PNG or JPEG pictures in it or below", p)
		}
		out = append(out, below...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no pictures")
	}
	return out, nil
}

// picturesBelow lists the picture files in dir and below, sorted. Hidden folders
// are left out; a link as dir is followed.
func picturesBelow(dir string) ([]string, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path != root && strings.HasPrefix(e.Name(), ".") {
			return filepath.SkipDir
		}
		if err == nil && !e.IsDir() && isPicture(e.Name()) {
			out = append(out, path)
		}
		return err
	})
	slices.Sort(out)
	return out, err
}

func (d pictures) Name() string                          { return fmt.Sprintf("%d pictures", len(d)) }
func (d pictures) Len() int                              { return len(d) }
func (d pictures) Classes() []string                     { return nil }
func (d pictures) Label(int) int                         { return -1 }
func (d pictures) Image(i int) (transforms.Image, error) { return decodeFile(d[i]) }
func (d pictures) pictureName(i int) string              { return d[i] }
func (d *files) pictureName(i int) string                { return d.paths[i] }
func (d *subset) pictureName(i int) string               { return PictureName(d.Dataset, d.which[i]) }

// PictureName is the file of picture i, or its number where it has none.
func PictureName(ds Dataset, i int) string {
	if n, ok := ds.(interface{ pictureName(i int) string }); ok {
		return n.pictureName(i)
	}
	return strconv.Itoa(i)
}
