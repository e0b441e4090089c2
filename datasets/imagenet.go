package datasets

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
)

// openImageNet opens ImageNet's ILSVRC 2012 (arXiv 1409.0575): train/SYNSET/*.JPEG, and val/SYNSET/*.JPEG
// or val/*.JPEG with a list of labels. Options.Classes selects synsets, as those of ImageNet-100.
func openImageNet(o Options) (Dataset, error) {
	return openListing(o, "imagenet", "imagenet "+o.Dir, scanImageNet)
}

func scanImageNet(o Options) (l listing, err error) {
	c, err := scanClasses(filepath.Join(o.Dir, "train"), "")
	if err != nil {
		return l, err
	}
	if len(c.list) == 0 {
		return l, fmt.Errorf(
			"%s has no class folders with pictures (%s); want train/SYNSET/*.JPEG",
			c.dir,
			c.rest.what(),
		)
	}
	l.classes, l.root = c.names(), c.dir
	if o.Train {
		l.notes = c.notes()
		l.add(c, func(label int) int { return label })
		return l, nil
	}
	val := filepath.Join(o.Dir, "val")
	if holdsFolders(val) {
		return l, l.addTest(val, c.dir)
	}
	return l, l.addFlat(val, o)
}

// addFlat appends the pictures of a folder without class folders. A file has their labels.
func (l *listing) addFlat(dir string, o Options) error {
	f, err := walk(dir)
	if err != nil {
		return err
	}
	names := f.pictures
	if len(names) == 0 {
		return fmt.Errorf("%s has no pictures (%s)", dir, f.what())
	}
	path := o.Labels
	for _, name := range []string{
		"val.txt",
		"LOC_val_solution.csv",
		"ILSVRC2012_validation_ground_truth.txt",
		"val/val.txt",
	} {
		if p := filepath.Join(o.Dir, name); path == "" && isFile(p) {
			path = p
		}
	}
	if path == "" {
		return field.Errorf(
			"%s has pictures without folders of classes; name the list of their labels by {datasets.Labels} FILE "+
				"(lines of FILE SYNSET, FILE NUMBER, or SYNSET in the files' order)",
			dir,
		)
	}
	lines, err := readLines(path)
	if err != nil {
		return err
	}
	labels, err := l.readLabels(lines, names)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i, name := range names {
		l.paths, l.labels = append(l.paths, filepath.Join(dir, name)), append(l.labels, labels[i])
	}
	delete(f.others, ".txt") // lists of labels
	l.root, l.notes = dir, append(l.notes, f.notes(dir)...)
	return nil
}

// readLabels reads the label of each named file. Lines are "FILE SYNSET", "FILE NUMBER" (index of the
// sorted synsets, from 0), "SYNSET" in the order of the sorted files, or Kaggle's
// "FILE,SYNSET box SYNSET box ...".
func (l *listing) readLabels(lines, names []string) ([]int, error) {
	number := map[string]int{}
	for k, c := range l.classes {
		number[c] = k
	}
	label := func(word string) (int, error) {
		if k, ok := number[word]; ok {
			return k, nil
		}
		if k, err := strconv.Atoi(word); err == nil && k >= 0 && k < len(l.classes) {
			return k, nil
		}
		return 0, fmt.Errorf("%q is neither a training class nor a number below %d", word, len(l.classes))
	}
	of, ordered := map[string]int{}, []int(nil)
	for n, line := range lines {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		if n == 0 && len(words) > 0 && words[0] == "ImageId" {
			continue
		}
		switch {
		case len(words) == 1:
			if _, err := strconv.Atoi(words[0]); err == nil {
				return nil, fmt.Errorf("line %d: a number alone is in the order of the development kit's meta.mat; "+
					"want synsets, or FILE NUMBER with numbers of the sorted synsets", n+1)
			}
			k, err := label(words[0])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			ordered = append(ordered, k)
		case len(words) > 1:
			k, err := label(words[1])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			of[stem(words[0])] = k
		}
	}
	if len(ordered) > 0 && (len(of) > 0 || len(ordered) != len(names)) {
		return nil, fmt.Errorf(
			"%d labels in the files' order and %d named ones, for %d pictures",
			len(ordered),
			len(of),
			len(names),
		)
	}
	if ordered != nil {
		return ordered, nil
	}
	out := make([]int, len(names))
	for i, name := range names {
		k, ok := of[stem(name)]
		if !ok {
			return nil, fmt.Errorf("no label for %s", name)
		}
		out[i] = k
	}
	return out, nil
}

// stem is a file's name without folders and ending.
func stem(path string) string {
	name := filepath.Base(filepath.FromSlash(path))
	return strings.TrimSuffix(name, filepath.Ext(name))
}
