package datasets

import (
	"fmt"
	"os"
	"path/filepath"
)

// openTinyImageNet is Tiny ImageNet as published: train/SYNSET/images/*.JPEG,
// val/images/*.JPEG with val/val_annotations.txt.
func openTinyImageNet(o Options) (Dataset, error) {
	l, err := scanTinyImageNet(o)
	if err == nil {
		l, err = l.only(o.Classes)
	}
	if err != nil {
		return nil, fmt.Errorf("tiny_imagenet: %w", err)
	}
	d := newFiles(part("tiny_imagenet", o.Train), l)
	d.side = 64
	return d, nil
}

func scanTinyImageNet(o Options) (l listing, err error) {
	if sub := filepath.Join(o.Dir, "tiny-imagenet-200"); isDir(sub) {
		o.Dir = sub
	}
	train := filepath.Join(o.Dir, "train")
	entries, err := os.ReadDir(train)
	if err != nil {
		return l, err
	}
	for _, e := range entries {
		if isDir(filepath.Join(train, e.Name(), "images")) {
			l.classes = append(l.classes, e.Name())
		}
	}
	if len(l.classes) < 2 {
		return l, fmt.Errorf("%s has %d folders SYNSET/images; want 200", train, len(l.classes))
	}
	if !o.Train {
		o.Labels = filepath.Join(o.Dir, "val", "val_annotations.txt")
		return l, l.addFlat(filepath.Join(o.Dir, "val", "images"), o)
	}
	for k, c := range l.classes {
		dir := filepath.Join(train, c, "images")
		names, err := pictureNames(dir)
		if err != nil {
			return l, err
		}
		for _, name := range names {
			l.paths, l.labels = append(l.paths, filepath.Join(dir, name)), append(l.labels, k)
		}
	}
	return l, nil
}
