package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/icl-msr/icl-msr/internal/field"
)

// shardPaths has the tar files of both splits.
type shardPaths struct {
	train, test []string
	packed      tally // compressed tar files
	notes       []string
}

// findShards finds the tar files of both splits. The training split is those in dir/train, else those
// of dir with train in their names, else those of dir that are not for testing. The test split is those
// in dir/val or dir/test, or with such a word in their names.
func findShards(dir string) (p shardPaths, err error) {
	all, packed, err := tarsIn(dir)
	if err != nil {
		return p, err
	}
	p.packed = packed
	folders, err := foldersIn(dir)
	if err != nil {
		return p, err
	}
	named := filtered(all, func(f string) bool { return strings.Contains(strings.ToLower(filepath.Base(f)), "train") })
	left := filtered(all, func(f string) bool { return !slices.Contains(named, f) })
	in, _, err := p.firstFolder(dir, called(folders, trainNames()))
	if err != nil {
		return p, err
	}
	if err := p.findTest(dir, folders, left, len(in)+len(named) > 0); err != nil {
		return p, err
	}
	switch {
	case len(in) > 0:
		p.train = in
	case len(named) > 0:
		p.train = named
	default:
		p.train = filtered(left, func(f string) bool { return testWord(f, true) == "" && !slices.Contains(p.test, f) })
	}
	rest := filtered(all, func(f string) bool { return !slices.Contains(p.train, f) && !slices.Contains(p.test, f) })
	if len(rest) > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%s: in neither split, and not read: %s", dir, joined(bases(rest), 5)))
	}
	if len(packed) > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%s: not read, since they are compressed: %s; unpack them to .tar",
			dir, packed))
	}
	return p, nil
}

// findTest finds the test split. val comes before test. If the training files are named so, a word
// within a word counts too, as in myval.tar.
func (p *shardPaths) findTest(dir string, folders, tars []string, trainNamed bool) error {
	var taken string
	var others []string
	take := func(name string, paths []string) {
		switch {
		case len(paths) == 0:
		case taken == "":
			taken, p.test = name, paths
		default:
			others = append(others, name)
		}
	}
	for _, word := range shardTestNames() {
		in, name, err := p.firstFolder(dir, called(folders, []string{word}))
		if err != nil {
			return err
		}
		take(name, in)
		var with []string
		for _, f := range tars {
			if testWord(f, !trainNamed) == word {
				with = append(with, f)
			}
		}
		take("*"+word+"*.tar", with)
	}
	if len(others) > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%s has %s and %s: %s is for testing, %s not read",
			dir, taken, strings.Join(others, ", "), taken, isAre(others)))
	}
	return nil
}

// shardTestNames is testNames with val first.
func shardTestNames() []string { return []string{"val", "validation", "valid", "test", "testing"} }

// testWord returns the word for testing in the name of a tar file, or "". If whole is true it must be a
// separate word, otherwise it may be part of one.
func testWord(path string, whole bool) string {
	name := strings.ToLower(filepath.Base(path))
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, w := range shardTestNames() {
		if slices.Contains(words, w) {
			return w
		}
	}
	for _, w := range shardTestNames() {
		if !whole && strings.Contains(name, w) {
			return w
		}
	}
	return ""
}

// firstFolder returns the tar files of the first folder that has any, and that folder's name.
func (p *shardPaths) firstFolder(dir string, folders []string) (tars []string, name string, err error) {
	for _, f := range folders {
		in, packed, err := tarsIn(filepath.Join(dir, f))
		if err != nil {
			return nil, "", err
		}
		p.packed.all(packed)
		if len(in) > 0 {
			return in, f, nil
		}
	}
	return nil, "", nil
}

// tarsIn lists the tar files in dir, sorted, and counts compressed ones.
func tarsIn(dir string) (tars []string, packed tally, err error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, nil, field.Errorf("{datasets.Dir} %s is a file; want the folder of the tar files", dir)
	}
	entries, err := os.ReadDir(dir)
	packed = tally{}
	for _, e := range entries {
		switch name := strings.ToLower(e.Name()); {
		case isJunk(name) || isFolder(dir, e):
		case strings.HasSuffix(name, ".tar"):
			tars = append(tars, filepath.Join(dir, e.Name()))
		case strings.Contains(name, ".tar.") || strings.HasSuffix(name, ".tgz"):
			packed[name[strings.Index(name, ".t"):]]++
		}
	}
	return tars, packed, err
}

// check returns an error if the split has no tar files.
func (p shardPaths) check(o Options) error {
	words, here := []string{"val", "test"}, p.test
	if o.Train {
		words, here = []string{"train"}, p.train
	}
	if len(here) > 0 {
		return nil
	}
	there, what := append(bases(p.train), bases(p.test)...), "no tar files"
	switch {
	case len(there) > 0:
		what = joined(there, 5)
	case len(p.packed) > 0:
		what = p.packed.String() + ": unpack them to .tar"
	}
	return fmt.Errorf("%s has no %s/*.tar, nor *%s*.tar, but %s; want tar files of pictures",
		o.Dir, words[0], words[0], what)
}

func bases(paths []string) (out []string) {
	for _, p := range paths {
		out = append(out, filepath.Base(p))
	}
	return out
}
