package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// classFolder is the folder of a class.
type classFolder struct {
	name  string
	files []string // relative to the folder, in walk's order; at least one
}

// classFolders has the class folders in a folder, sorted, and what is left out.
type classFolders struct {
	dir     string
	list    []classFolder
	loose   int      // pictures beside the class folders
	rest    found    // files that are not pictures, over all folders
	without []string // folders without pictures, with what they hold
}

// scanClasses lists the folders in dir that have pictures at any depth. It follows links. If sub is
// not empty and a class folder has a folder of that name, the pictures of the class are in there.
func scanClasses(dir, sub string) (c classFolders, err error) {
	c = classFolders{dir: dir, rest: found{others: tally{}}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return c, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case isJunk(e.Name()):
			continue
		case !isFolder(dir, e) && isPicture(e.Name()):
			c.loose++
			continue
		case !isFolder(dir, e):
			c.rest.others.add(e.Name())
			continue
		}
		if in := filepath.Join(path, sub); sub != "" && isDir(in) {
			path = in
		}
		f, err := walk(path)
		if err != nil {
			return c, err
		}
		if err := c.add(e.Name(), path, f); err != nil {
			return c, err
		}
	}
	return c, nil
}

// add adds a class folder and what was found in it.
func (c *classFolders) add(name, path string, f found) error {
	prefix, err := filepath.Rel(filepath.Join(c.dir, name), path)
	if err != nil {
		return err
	}
	for i := range f.pictures {
		f.pictures[i] = filepath.Join(prefix, f.pictures[i])
	}
	if len(f.pictures) == 0 {
		c.without = append(c.without, fmt.Sprintf("%s (%s)", name, f.what()))
	} else {
		c.list = append(c.list, classFolder{name, f.pictures})
	}
	c.rest.others.all(f.others)
	c.rest.special += f.special
	for _, l := range f.circles {
		c.rest.circles = append(c.rest.circles, filepath.Join(name, l))
	}
	return nil
}

// notes says what in dir is not read.
func (c classFolders) notes() (out []string) {
	if len(c.without) > 0 {
		out = append(out, fmt.Sprintf("%s: not classes, since they hold no pictures that can be read: %s",
			c.dir, joined(c.without, 5)))
	}
	if c.loose > 0 {
		out = append(out, fmt.Sprintf("%s: %d loose pictures have no class and are not read", c.dir, c.loose))
	}
	return append(out, c.rest.notes(c.dir)...)
}

// noClassesError is the error of a folder without class folders.
func (c classFolders) noClassesError() error {
	if c.loose > 0 && len(c.without) == 0 {
		return noClassFoldersError(c.dir)
	}
	what := c.rest.what()
	if len(c.without) > 0 {
		what = "only " + joined(c.without, 5)
	}
	return fmt.Errorf("%s has no class folders with pictures (%s); want %s",
		c.dir, what, filepath.Join(c.dir, "CLASS", "*.jpg"))
}

// what describes briefly what was found beside pictures.
func (f found) what() string {
	var words []string
	if len(f.others) > 0 {
		words = append(words, f.others.String())
	}
	if f.special > 0 {
		words = append(words, fmt.Sprintf("%d pipes, sockets or devices", f.special))
	}
	if len(f.circles) > 0 {
		words = append(words, fmt.Sprintf("%d links to folders above", len(f.circles)))
	}
	if len(words) == 0 {
		return "no files"
	}
	return strings.Join(words, ", ")
}

// notes says what in dir is not read.
func (f found) notes(dir string) (out []string) {
	if len(f.others) > 0 {
		out = append(out, fmt.Sprintf("%s: not read, since these are not %s: %s", dir, readable, f.others))
	}
	if f.special > 0 {
		out = append(out, fmt.Sprintf("%s: not opened, since they are pipes, sockets or devices: %d", dir, f.special))
	}
	if len(f.circles) > 0 {
		out = append(out, fmt.Sprintf("%s: not followed, since they lead to a folder above: %s",
			dir, joined(f.circles, 5)))
	}
	return out
}
