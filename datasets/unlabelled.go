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
	paths, err := picturesBelow(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("unlabelled: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("unlabelled: %s has no PNG or JPEG pictures in it or below", o.Dir)
	}
	l := listing{paths: paths, labels: make([]int, len(paths))}
	for i := range l.labels {
		l.labels[i] = -1
	}
	return newFiles("unlabelled "+o.Dir, l), nil
}
