package datasets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// found is the content of a folder at any depth.
type found struct {
	pictures []string // relative paths; a folder's files come before those of its subfolders, as in torchvision
	others   tally    // files that are not pictures
	special  int      // number of pipes, sockets and devices, which are never opened
	circles  []string // links to a folder above them, which are not followed
}

// walker lists a folder and follows links. It reads each folder once, even if several links lead to it.
type walker struct {
	root  string          // with links resolved, as in above and seen
	above []string        // folders that are being read
	seen  map[string]bool // folders that were read
	found found
	dirs  map[string][]string // names of pictures by folder, relative to the first one
}

// walk lists the pictures in dir at any depth and counts other files. It skips hidden files and folders,
// and those that isJunk knows.
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

// read lists dir. below is its path relative to the root, real its path with links resolved.
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
		case isPicture(e.Name()): // including a dead link, which is an error when it is read
			w.dirs[below] = append(w.dirs[below], e.Name())
		default:
			w.found.others.add(e.Name())
		}
	}
	return nil
}

// follow returns the target of a link to a folder. It returns "" if the target is above the link, or
// below the root, where it is read anyway.
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

// inside reports whether path is dir or below it.
func inside(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, slash)+slash)
}
