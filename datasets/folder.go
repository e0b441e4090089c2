package datasets

import (
	"fmt"
	"path/filepath"

	"github.com/icl-msr/icl-msr/internal/field"
)

// openFolder opens a folder of class folders.
func openFolder(o Options) (Dataset, error) {
	return openListing(o, "folder", "folder "+o.Dir, scanFolder)
}

// openListing opens a data set of the files that scan lists.
func openListing(o Options, kind, name string, scan func(Options) (listing, error)) (*files, error) {
	l, err := scan(o)
	if err == nil {
		l, _, err = l.selectClasses(o.Classes)
	}
	if err == nil {
		err = l.checkClasses(o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	d := newFiles(splitName(name, o.Train), l)
	d.depth = o.Depth16
	return d, nil
}

// checkClasses refuses to evaluate with one class. It notes a training split of one class, and classes
// that the test split lacks.
func (l *listing) checkClasses(o Options) error {
	switch {
	case len(l.classes) == 1 && !o.Train:
		return field.Errorf("%s has one class only (%s): there is nothing to evaluate, since every answer is right; "+
			"name another set by {datasets.Name} and {datasets.Dir}",
			o.Dir, l.classes[0])
	case len(l.classes) == 1:
		note := fmt.Sprintf("%s has one class only (%s): enough to pre-train; an evaluation needs two", o.Dir, l.classes[0])
		l.notes = append(l.notes, note)
	case !o.Train:
		l.noteMissingClasses(o.Dir)
	}
	return nil
}

// noteMissingClasses notes the classes without pictures in the test split.
func (l *listing) noteMissingClasses(dir string) {
	counts := make([]int, len(l.classes))
	for _, label := range l.labels {
		if label >= 0 {
			counts[label]++
		}
	}
	var names []string
	for k, n := range counts {
		if n == 0 {
			names = append(names, l.classes[k])
		}
	}
	if len(names) > 0 {
		l.notes = append(l.notes, fmt.Sprintf("%s: of %d of the %d classes there are no pictures to test with: %s",
			dir, len(names), len(l.classes), joined(names, 5)))
	}
}

// scanFolder lists the pictures of a split in sorted order. The classes are those of the training
// split, so that a label means the same in both splits. If there are class folders only, every tenth
// picture of a class is in the test split.
func scanFolder(o Options) (l listing, err error) {
	s, err := findSplits(o.Dir)
	if err != nil {
		return l, err
	}
	c, err := scanClasses(s.train, "")
	if err != nil {
		return l, err
	}
	if len(c.list) == 0 {
		return l, c.noClassesError()
	}
	l.classes, l.notes, l.root = c.names(), s.notes, s.train
	switch {
	case s.train == s.test:
		l.notes = append(l.notes, c.notes()...)
		l.addEveryTenth(c, o.Train)
	case o.Train:
		l.notes = append(l.notes, c.notes()...)
		l.add(c, func(label int) int { return label })
	case s.test == "":
		return l, noTestError(o.Dir)
	default:
		return l, l.addTest(s.test, s.train)
	}
	switch {
	case len(l.classes) == 1: // checkClasses refuses it
	case len(l.paths) == 0 && s.whole != "":
		return l, field.Errorf(
			"no class of %s has ten pictures, of which one would be for testing; it is a part of %s: "+
				"give {datasets.Dir} %s",
			o.Dir,
			s.whole,
			s.whole,
		)
	case len(l.paths) == 0:
		return l, fmt.Errorf(
			"no class of %s has the ten pictures of which one is for testing; add more, or %s/train/CLASS and %s/test/CLASS",
			o.Dir,
			o.Dir,
			o.Dir,
		)
	}
	return l, nil
}

func (c classFolders) names() (out []string) {
	for _, f := range c.list {
		out = append(out, f.name)
	}
	return out
}

// noTestError is the error of a training split without a test split.
func noTestError(dir string) error {
	folders, err := foldersIn(dir)
	if err != nil {
		return err
	}
	if loose := called(folders, testNames()); len(loose) > 0 {
		return noClassFoldersError(filepath.Join(dir, loose[0]))
	}
	return fmt.Errorf("%s has train but neither test nor val; want %s/test/CLASS/*.jpg", dir, dir)
}

// add appends the pictures of class folders. label maps the index of a folder to its label.
func (l *listing) add(c classFolders, label func(k int) int) {
	for k, folder := range c.list {
		for _, f := range folder.files {
			l.paths, l.labels = append(l.paths, filepath.Join(c.dir, folder.name, f)), append(l.labels, label(k))
		}
	}
}

func (l *listing) addEveryTenth(c classFolders, train bool) {
	for label, folder := range c.list {
		for k, f := range folder.files {
			if test := k%10 == 9; test != train {
				l.paths, l.labels = append(l.paths, filepath.Join(c.dir, folder.name, f)), append(l.labels, label)
			}
		}
	}
}

// addTest appends the test split. Its classes must be among those of the training split.
func (l *listing) addTest(dir, trainDir string) error {
	c, err := scanClasses(dir, "")
	if err != nil {
		return err
	}
	if len(c.list) == 0 {
		return c.noClassesError()
	}
	number := map[string]int{}
	for label, name := range l.classes {
		number[name] = label
	}
	labels := make([]int, len(c.list))
	var unknown []string
	for k, f := range c.list {
		label, ok := number[f.name]
		if labels[k] = label; !ok {
			unknown = append(unknown, f.name)
		}
	}
	if len(unknown) == 1 {
		return fmt.Errorf("class %s is in %s but not in %s; remove it, or add it there", unknown[0], dir, trainDir)
	}
	if len(unknown) > 1 {
		return fmt.Errorf("classes %s are in %s but not in %s; remove them, or add them there (classes there: %s)",
			joined(unknown, 5), dir, trainDir, joined(l.classes, 3))
	}
	l.root, l.notes = dir, append(l.notes, c.notes()...)
	l.add(c, func(k int) int { return labels[k] })
	return nil
}
