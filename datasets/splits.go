package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
)

// trainNames lists the names of folders and tar files of the training split, in any letter case. If
// there are several, the first counts.
func trainNames() []string { return []string{"train", "training"} }

// testNames lists the names of folders and tar files of the test split.
func testNames() []string {
	return []string{"test", "val", "validation", "testing", "valid"}
}

// splits is where the parts of a data set are: one folder for both, or two, of
// which test may be "".
type splits struct {
	train, test string
	whole       string // folder that has the given folder as one of its splits; "": none
	notes       []string
}

// findSplits finds the splits in dir. A folder is a split if it has the name of one and contains
// folders. Otherwise it is a class with that name.
func findSplits(dir string) (s splits, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return s, err
	}
	if !info.IsDir() {
		return s, field.Errorf("{datasets.Dir} %s is a file; want a folder of class folders", dir)
	}
	folders, err := foldersIn(dir)
	if err != nil {
		return s, err
	}
	trains, tests := called(folders, trainNames()), called(folders, testNames())
	fullTrains, fullTests := withFolders(dir, trains), withFolders(dir, tests)
	switch {
	case len(fullTrains) == 0 && (len(fullTests) > 0 || len(trains) > 0 && len(tests) > 0):
		return s, noTrainError(dir, trains, append(fullTests, tests...)[0])
	case len(fullTrains) == 0:
		s.train, s.test = dir, dir
		return s, s.noteEveryTenth(dir)
	}
	s.train = filepath.Join(dir, fullTrains[0])
	taken := []string{fullTrains[0]}
	if len(fullTests) > 0 {
		s.test = filepath.Join(dir, fullTests[0])
		taken = append(taken, fullTests[0])
	}
	s.noteOthers(dir, folders, taken, fullTests)
	return s, nil
}

// foldersIn lists the folders in dir and the links to folders, without junk.
func foldersIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !isJunk(e.Name()) && isFolder(dir, e) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// called returns the folders that have one of the names in any letter case, in the order of names. The
// exact spelling comes first.
func called(folders, names []string) (out []string) {
	for _, name := range names {
		if slices.Contains(folders, name) {
			out = append(out, name)
		}
		for _, f := range folders {
			if f != name && strings.EqualFold(f, name) {
				out = append(out, f)
			}
		}
	}
	return out
}

// withFolders are those of the folders that have folders.
func withFolders(dir string, folders []string) (out []string) {
	for _, f := range folders {
		if holdsFolders(filepath.Join(dir, f)) {
			out = append(out, f)
		}
	}
	return out
}

// holdsFolders reports whether dir contains folders.
func holdsFolders(dir string) bool {
	inside, err := foldersIn(dir)
	return err == nil && len(inside) > 0
}

// noTrainError is the error of a test split without a training split.
func noTrainError(dir string, trains []string, test string) error {
	if len(trains) == 0 {
		return fmt.Errorf("%s has no train beside it; want %s",
			filepath.Join(dir, test), filepath.Join(dir, "train", "CLASS", "*.jpg"))
	}
	return noClassFoldersError(filepath.Join(dir, trains[0]))
}

// noClassFoldersError is the error of a part that has no class folders.
func noClassFoldersError(dir string) error {
	f, err := walk(dir)
	if err != nil {
		return err
	}
	if len(f.pictures) == 0 {
		return fmt.Errorf("%s has no class folders with pictures (%s)", dir, f.what())
	}
	return field.Errorf("%s has no class folders, but %d loose pictures; want %s, or, to pre-train without labels, "+
		"{datasets.Name} unlabelled {datasets.Dir} %s",
		dir, len(f.pictures), filepath.Join(dir, "CLASS", "*.jpg"), dir)
}

// noteEveryTenth says that a folder without parts is split, and whether it is a part
// of something.
func (s *splits) noteEveryTenth(dir string) error {
	full, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	self, above := filepath.Base(full), filepath.Join(dir, "..")
	note := fmt.Sprintf(
		"%s has no train and test: every tenth picture of a class is for testing, the others for training",
		dir,
	)
	if beside, err := foldersIn(above); err == nil {
		other := testNames()
		if len(called([]string{self}, testNames())) > 0 {
			other = trainNames()
		} else if len(called([]string{self}, trainNames())) == 0 {
			other = nil
		}
		if found := withFolders(above, called(beside, other)); len(found) > 0 {
			s.whole = above
			note = fmt.Sprintf("%s is split again: every tenth picture of a class is for testing, and %s is not read; "+
				"the folder %s has both splits", dir, filepath.Join(above, found[0]), above)
		}
	}
	s.notes = append(s.notes, note)
	return nil
}

// noteOthers tells of what lies beside the parts.
func (s *splits) noteOthers(dir string, folders, taken, tests []string) {
	if len(tests) > 1 {
		s.notes = append(s.notes, fmt.Sprintf("%s has %s: %s is for testing, %s not read",
			dir, strings.Join(tests, " and "), tests[0], isAre(tests[1:])))
	}
	var rest []string
	for _, f := range folders {
		if !slices.Contains(taken, f) && !slices.Contains(tests, f) {
			rest = append(rest, f)
		}
	}
	if len(rest) > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%s: beside %s, %s not read",
			dir, strings.Join(taken, " and "), isAre(rest)))
	}
}

// isAre returns "a is" or "a, b are".
func isAre(words []string) string {
	if len(words) == 1 {
		return words[0] + " is"
	}
	return joined(words, 5) + " are"
}
