package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// openUnlabelled is any folder of pictures, at any depth, for pre-training.
func openUnlabelled(o Options) (Dataset, error) {
	if !o.Train {
		return nil, errors.New("unlabelled: it has no labels to test with; evaluate on another --dataset")
	}
	var l listing
	root, err := filepath.EvalSymlinks(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("unlabelled: %w", err)
	}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path != root && strings.HasPrefix(e.Name(), ".") {
			return filepath.SkipDir
		}
		if err == nil && !e.IsDir() && isPicture(e.Name()) {
			l.paths, l.labels = append(l.paths, path), append(l.labels, -1)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("unlabelled: %w", err)
	}
	if len(l.paths) == 0 {
		return nil, fmt.Errorf("unlabelled: %s has no PNG or JPEG pictures in it or below", o.Dir)
	}
	slices.Sort(l.paths)
	return newFiles("unlabelled "+o.Dir, l), nil
}
