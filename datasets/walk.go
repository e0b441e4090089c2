package datasets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// found is what a folder holds, at any depth.
type found struct {
	pictures []string // below the folder; those of a folder before those of the ones in it, as torchvision has them
	others   tally    // files that are no pictures
	special  int      // pipes, sockets and devices: never opened
	circles  []string // links that lead back to a folder above them: not followed
}

// walker lists a folder, and follows links. A folder is read once, on whichever
// way it is come to.
type walker struct {
	root  string          // without links
	above []string        // the folders that are being read, without links
	seen  map[string]bool // folders read before, without links
	found found
	dirs  map[string][]string // pictures' names of each folder below the first
}

// walk lists the pictures in dir and below, and counts what else is there.
// Hidden files and folders, and those that isJunk knows, are left out.
func walk(dir string) (found, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return found{}, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return found{}, err
	}
	w := &walker{root: root, seen: map[string]bool{}, found: found{others: tally{}}, dirs: map[string][]string{}}
	if err := w.read(dir, ".", root); err != nil {
		return found{}, err
	}
	for _, below := range sortedKeys(w.dirs) {
		for _, name := range w.dirs[below] {
			w.found.pictures = append(w.found.pictures, filepath.Join(below, name))
		}
	}
	return w.found, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// read lists dir, which lies at below, and at real without links.
func (w *walker) read(dir, below, real string) error {
	if w.seen[real] {
		return nil
	}
	w.seen[real] = true
	w.above = append(w.above, real)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if isJunk(e.Name()) {
			continue
		}
		path, real, mode := filepath.Join(dir, e.Name()), filepath.Join(real, e.Name()), e.Type()
		if mode&os.ModeSymlink != 0 {
			info, err := os.Stat(path)
			if err == nil {
				mode = info.Mode().Type()
			}
			if err == nil && mode.IsDir() {
				if real, err = w.follow(path, filepath.Join(below, e.Name())); err != nil {
					return err
				}
			}
		}
		switch {
		case mode.IsDir():
			if real != "" {
				if err := w.read(path, filepath.Join(below, e.Name()), real); err != nil {
					return err
				}
			}
		case mode&(os.ModeNamedPipe|os.ModeSocket|os.ModeDevice|os.ModeIrregular) != 0:
			w.found.special++
		case isPicture(e.Name()): // a link that leads nowhere, too: reading it tells
			w.dirs[below] = append(w.dirs[below], e.Name())
		default:
			w.found.others.add(e.Name())
		}
	}
	return nil
}

// follow returns where a link to a folder leads; "" where that is not to be
// read on this way: it is above, or comes by itself.
func (w *walker) follow(link, below string) (string, error) {
	to, err := filepath.EvalSymlinks(link)
	if err != nil {
		return "", err
	}
	if to, err = filepath.Abs(to); err != nil {
		return "", err
	}
	if slices.ContainsFunc(w.above, func(a string) bool { return inside(a, to) }) {
		w.found.circles = append(w.found.circles, below)
		return "", nil
	}
	rest, err := filepath.Rel(w.root, to)
	if err == nil && inside(to, w.root) && !slices.ContainsFunc(strings.Split(rest, slash), isJunk) {
		return "", nil
	}
	return to, nil
}

const slash = string(filepath.Separator)

// inside reports that path is dir, or below it.
func inside(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, slash)+slash)
}
