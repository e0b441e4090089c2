package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// classFolder is a folder of one class's pictures.
type classFolder struct {
	name  string
	files []string // sorted; at least one
}

// classFolders lists the folders in dir that have pictures, sorted, and counts
// the files beside them. Hidden ones are left out; links are followed.
func classFolders(dir string) (folders []classFolder, loose int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !isDir(path) {
			loose++
			continue
		}
		inside, err := os.ReadDir(path)
		if err != nil {
			return nil, 0, err
		}
		c := classFolder{name: e.Name()}
		for _, f := range inside {
			if !f.IsDir() && isPicture(f.Name()) {
				c.files = append(c.files, f.Name())
			}
		}
		if len(c.files) > 0 {
			folders = append(folders, c)
		}
	}
	return folders, loose, nil
}

func isPicture(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(name)))
}

// parts finds the folders of the training and of the testing part: dir/train
// and dir/test (or val, validation; "" where there is none), or dir for both.
func parts(dir string) (train, test string, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return "", "", err
	}
	if !info.IsDir() {
		return "", "", fmt.Errorf("%s is a file; --data-dir takes a folder of class folders", dir)
	}
	if p := filepath.Join(dir, "train"); holdsFolders(p) {
		train = p
	}
	for _, name := range []string{"test", "val", "validation"} {
		if p := filepath.Join(dir, name); holdsFolders(p) {
			test = p
			break
		}
	}
	switch {
	case train == "" && test == "":
		return dir, dir, nil
	case train == "":
		return "", "", fmt.Errorf("%s has no train beside it; want %s", test, filepath.Join(dir, "train", "CLASS", "*.jpg"))
	}
	return train, test, nil
}

// holdsFolders tells a part from a class that happens to be called train.
func holdsFolders(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && isDir(filepath.Join(dir, e.Name())) {
			return true
		}
	}
	return false
}
