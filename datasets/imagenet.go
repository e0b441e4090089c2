package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// openImageNet is ImageNet's ILSVRC 2012: train/SYNSET/*.JPEG, and val the same
// or flat, with a list of its labels. --classes chooses some of its synsets
// (ImageNet-100).
func openImageNet(o Options) (Dataset, error) {
	l, err := scanImageNet(o)
	if err == nil {
		l, err = l.only(o.Classes)
	}
	if err != nil {
		return nil, fmt.Errorf("imagenet: %w", err)
	}
	return newFiles(part("imagenet "+o.Dir, o.Train), l), nil
}

func scanImageNet(o Options) (l listing, err error) {
	folders, loose, err := classFolders(filepath.Join(o.Dir, "train"))
	if err != nil {
		return l, err
	}
	if len(folders) < 2 {
		return l, fmt.Errorf("%s has %d class folders with pictures and %d other files; want train/SYNSET/*.JPEG", filepath.Join(o.Dir, "train"), len(folders), loose)
	}
	for _, c := range folders {
		l.classes = append(l.classes, c.name)
	}
	if o.Train {
		l.add(filepath.Join(o.Dir, "train"), folders, func(label int) int { return label })
		return l, nil
	}
	val := filepath.Join(o.Dir, "val")
	if holdsFolders(val) {
		return l, l.addTest(val, filepath.Join(o.Dir, "train"))
	}
	return l, l.addFlat(val, o)
}

// addFlat appends the pictures of one folder, whose labels are in a list.
func (l *listing) addFlat(dir string, o Options) error {
	names, err := pictureNames(dir)
	if err != nil {
		return err
	}
	path := o.Labels
	for _, name := range []string{"val.txt", "LOC_val_solution.csv", "ILSVRC2012_validation_ground_truth.txt", "val/val.txt"} {
		if p := filepath.Join(o.Dir, name); path == "" && isFile(p) {
			path = p
		}
	}
	if path == "" {
		return fmt.Errorf("%s has pictures without folders of classes; name the list of their labels by --val-labels FILE (lines of FILE SYNSET, FILE NUMBER, or SYNSET in the files' order)", dir)
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
	return nil
}

// readLabels understands "FILE SYNSET", "FILE NUMBER" (of the sorted synsets,
// from 0), "SYNSET" in the order of the sorted files, and Kaggle's
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
		return 0, fmt.Errorf("%q is neither a class of train nor a number below %d", word, len(l.classes))
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
				return nil, fmt.Errorf("line %d: a number alone counts in the order of the development kit's meta.mat; want synsets, or FILE NUMBER with numbers of the sorted synsets", n+1)
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
		return nil, fmt.Errorf("%d labels in the files' order and %d named ones, for %d pictures", len(ordered), len(of), len(names))
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

// stem is a file's name without folders and extension.
func stem(path string) string {
	name := filepath.Base(filepath.FromSlash(path))
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// pictureNames lists the pictures of a folder, sorted.
func pictureNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if isPicture(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no PNG or JPEG pictures", dir)
	}
	return names, nil
}
