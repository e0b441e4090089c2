package datasets

import (
	"errors"
	"fmt"
)

// openUnlabelled is any folder of pictures, at any depth, for pre-training.
func openUnlabelled(o Options) (Dataset, error) {
	if !o.Train {
		return nil, errors.New("unlabelled: it has no labels to test with; evaluate on another --dataset")
	}
	paths, notes, err := picturesBelow(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("unlabelled: %w", err)
	}
	l := listing{paths: paths, labels: make([]int, len(paths)), notes: notes, root: o.Dir}
	for i := range l.labels {
		l.labels[i] = -1
	}
	d := newFiles("unlabelled "+o.Dir, l)
	d.depth = o.Depth16
	return d, nil
}
