package datasets

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Listed returns the pictures of ds that a text file names, one in a line. A line is a path below the
// folder of the classes (a/0.jpg), a longer path that ends with it, or the file name alone if only one
// picture has that name (as in SimCLR's lists of 1% and 10% of ImageNet). The ending may differ if
// only one picture fits.
func Listed(ds Dataset, path string) (Dataset, error) {
	f, ok := ds.(*files)
	if !ok {
		return nil, fmt.Errorf("%s is not a data set of files, which a list of labels needs", ds.Name())
	}
	lines, err := readLines(path)
	if err != nil {
		return nil, err
	}
	index := newNameIndex(f)
	d := &subset{Dataset: ds, name: fmt.Sprintf("pictures of %s in %s", ds.Name(), path)}
	for n, l := range lines {
		i, err := index.find(l)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w in %s", path, n+1, err, ds.Name())
		}
		d.which = append(d.which, i)
	}
	slices.Sort(d.which)
	if d.which = slices.Compact(d.which); len(d.which) == 0 {
		return nil, fmt.Errorf("%s names no pictures", path)
	}
	return d, nil
}

// nameIndex finds pictures by name.
type nameIndex struct {
	paths []string         // relative to the folder of the classes, with slashes
	whole []string         // the same in full
	of    map[string][]int // pictures by file name without ending
}

func newNameIndex(f *files) nameIndex {
	x := nameIndex{of: make(map[string][]int, len(f.paths))}
	for i, p := range f.paths {
		below := p
		if rel, err := filepath.Rel(f.root, p); err == nil && f.root != "" {
			below = rel
		}
		x.paths, x.whole = append(x.paths, filepath.ToSlash(below)), append(x.whole, filepath.ToSlash(p))
		x.of[stem(p)] = append(x.of[stem(p)], i)
	}
	return x
}

// find returns the picture that a line names.
func (x nameIndex) find(line string) (int, error) {
	name := path.Clean(filepath.ToSlash(line))
	all := x.of[stem(name)]
	fit := filtered(all, func(i int) bool { return ends(x.whole[i], name) || ends(name, x.paths[i]) })
	exact := filtered(fit, func(i int) bool { return path.Ext(x.whole[i]) == path.Ext(name) })
	if len(exact) > 0 {
		fit = exact
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) > 1:
		return 0, fmt.Errorf("%s can be %s and %s (give its folder, as in %s)",
			line, x.paths[fit[0]], x.paths[fit[1]], x.paths[fit[0]])
	case len(all) > 0:
		return 0, fmt.Errorf("no picture %s (but %s)", line, x.paths[all[0]])
	}
	return 0, fmt.Errorf("no picture %s", line)
}

// filtered returns the elements of a list for which ok is true.
func filtered[T any](list []T, ok func(T) bool) (out []T) {
	for _, v := range list {
		if ok(v) {
			out = append(out, v)
		}
	}
	return out
}

// ends reports whether the path long ends with the path short. File endings are ignored.
func ends(long, short string) bool {
	long, short = strings.TrimSuffix(long, path.Ext(long)), strings.TrimSuffix(short, path.Ext(short))
	return long == short || strings.HasSuffix(long, "/"+strings.TrimPrefix(short, "/"))
}
