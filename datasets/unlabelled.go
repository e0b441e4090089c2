package datasets

import (
	"fmt"
	"path/filepath"

	"github.com/icl-msr/icl-msr/internal/field"
)

// openUnlabelled opens all pictures in a folder, at any depth, for pre-training.
func openUnlabelled(o Options) (Dataset, error) {
	if !o.Train {
		return nil, field.Errorf("unlabelled: it has no labels to test with; evaluate on another {datasets.Name}")
	}
	paths, notes, err := picturesBelow(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("unlabelled: %w", err)
	}
	notes = append(notes, bothSplits(o.Dir)...)
	l := listing{paths: paths, labels: make([]int, len(paths)), notes: notes, root: o.Dir}
	for i := range l.labels {
		l.labels[i] = -1
	}
	d := newFiles("unlabelled "+o.Dir, l)
	d.depth = o.Depth16
	return d, nil
}

// bothSplits notes that the pictures include those of a test split.
func bothSplits(dir string) []string {
	folders, err := foldersIn(dir)
	trains, tests := called(folders, trainNames()), called(folders, testNames())
	if err != nil || len(trains) == 0 || len(tests) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s has %s and %s, and the pictures of both are taken; the folder %s has the first alone",
		dir, trains[0], tests[0], filepath.Join(dir, trains[0]))}
}
