package datasets

import (
	"fmt"
	"path/filepath"
)

// openTinyImageNet opens Tiny ImageNet as published: train/SYNSET/images/*.JPEG, and val/images/*.JPEG
// with val/val_annotations.txt.
func openTinyImageNet(o Options) (Dataset, error) {
	d, err := openListing(o, "tiny_imagenet", "tiny_imagenet", scanTinyImageNet)
	if err != nil {
		return nil, err
	}
	d.side = 64
	return d, nil
}

func scanTinyImageNet(o Options) (l listing, err error) {
	if sub := filepath.Join(o.Dir, "tiny-imagenet-200"); isDir(sub) {
		o.Dir = sub
	}
	c, err := scanClasses(filepath.Join(o.Dir, "train"), "images")
	if err != nil {
		return l, err
	}
	if len(c.list) == 0 {
		return l, fmt.Errorf("%s has no folders SYNSET/images with pictures (%s); want 200", c.dir, c.rest.what())
	}
	l.classes, l.root = c.names(), c.dir
	if !o.Train {
		o.Labels = filepath.Join(o.Dir, "val", "val_annotations.txt")
		return l, l.addFlat(filepath.Join(o.Dir, "val", "images"), o)
	}
	l.notes = c.notes()
	l.add(c, func(label int) int { return label })
	return l, nil
}
