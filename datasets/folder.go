package datasets

import (
	"fmt"
	"path/filepath"
)

// openFolder is a folder of class folders.
func openFolder(o Options) (Dataset, error) {
	l, err := scanFolder(o)
	if err == nil {
		l, err = l.only(o.Classes)
	}
	if err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	return newFiles(part("folder "+o.Dir, o.Train), l), nil
}

// scanFolder lists the pictures of a part in sorted order. The classes are those
// of the training part, so that a label means the same in both. Without folders
// of its own for testing, every tenth picture of a class is for that.
func scanFolder(o Options) (l listing, err error) {
	trainDir, testDir, err := parts(o.Dir)
	if err != nil {
		return l, err
	}
	folders, loose, err := classFolders(trainDir)
	if err != nil {
		return l, err
	}
	for _, c := range folders {
		l.classes = append(l.classes, c.name)
	}
	switch {
	case len(folders) == 0:
		return l, fmt.Errorf("%s has no class folders with PNG or JPEG pictures (%d loose files); want %s/CLASS/*.jpg", trainDir, loose, trainDir)
	case len(folders) == 1:
		return l, fmt.Errorf("%s has one class only (%s); accuracy needs two or more", trainDir, l.classes[0])
	case trainDir == testDir:
		l.addEveryTenth(trainDir, folders, o.Train)
	case o.Train:
		l.add(trainDir, folders, func(label int) int { return label })
	case testDir == "":
		return l, fmt.Errorf("%s has train but neither test nor val; want %s/test/CLASS/*.jpg", o.Dir, o.Dir)
	default:
		return l, l.addTest(testDir, trainDir)
	}
	if len(l.paths) == 0 {
		return l, fmt.Errorf("no class of %s has the ten pictures of which one is for testing; add more, or %s/train/CLASS and %s/test/CLASS", o.Dir, o.Dir, o.Dir)
	}
	return l, nil
}

// add appends the pictures of class folders in dir.
func (l *listing) add(dir string, folders []classFolder, label func(k int) int) {
	for k, c := range folders {
		for _, f := range c.files {
			l.paths, l.labels = append(l.paths, filepath.Join(dir, c.name, f)), append(l.labels, label(k))
		}
	}
}

func (l *listing) addEveryTenth(dir string, folders []classFolder, train bool) {
	for label, c := range folders {
		for k, f := range c.files {
			if test := k%10 == 9; test != train {
				l.paths, l.labels = append(l.paths, filepath.Join(dir, c.name, f)), append(l.labels, label)
			}
		}
	}
}

// addTest appends the testing part, whose classes must be among the training
// part's; it may lack some.
func (l *listing) addTest(dir, trainDir string) error {
	folders, loose, err := classFolders(dir)
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return fmt.Errorf("%s has no class folders with PNG or JPEG pictures (%d loose files); want %s/CLASS/*.jpg", dir, loose, dir)
	}
	number := map[string]int{}
	for label, name := range l.classes {
		number[name] = label
	}
	labels := make([]int, len(folders))
	for k, c := range folders {
		label, ok := number[c.name]
		if !ok {
			return fmt.Errorf("class %s is in %s but not in %s; remove it, or add it there", c.name, dir, trainDir)
		}
		labels[k] = label
	}
	l.add(dir, folders, func(k int) int { return labels[k] })
	return nil
}
