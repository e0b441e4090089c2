package datasets

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// shards are pictures in tar files, read where they lie: WebDataset's, whose
// members are KEY.jpg and KEY.cls (a number) or KEY.json (a number "label"); or
// a tar of class folders. The tar files are listed once at the start.
type shards struct {
	tars    []*os.File
	members []member
}

// member is a picture in a tar file.
type member struct {
	tar    int
	at     int64
	size   int64
	key    string // its path without extension
	format string
}

// maxMember bounds what is read of a tar file at once.
const maxMember = 256 << 20

func openShards(o Options) (Dataset, error) {
	paths, err := shardPaths(o.Dir, o.Train)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	var s shards
	labels := map[string]string{} // by shard and key
	for _, p := range paths {
		if err := s.scan(p, labels); err != nil {
			return nil, fmt.Errorf("shards: %s: %w", p, err)
		}
	}
	l, err := s.listing(labels)
	if err == nil {
		order := slices.Clone(s.members)
		l, err = l.only(o.Classes)
		if len(o.Classes) > 0 && err == nil {
			s.members = s.members[:0]
			for _, p := range l.paths {
				i, _ := strconv.Atoi(p)
				s.members = append(s.members, order[i])
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("shards: %s: %w", o.Dir, err)
	}
	d := newFiles(part("shards "+o.Dir, o.Train), l)
	d.read, d.rawAt = s.read, s.raw
	return d, nil
}

// shardPaths are DIR/train/*.tar or DIR/train*.tar to train (or all of DIR), and
// val or test for testing.
func shardPaths(dir string, train bool) ([]string, error) {
	words := []string{"val", "test"}
	if train {
		words = []string{"train"}
	}
	for _, w := range words {
		for _, pattern := range []string{filepath.Join(dir, w, "*.tar"), filepath.Join(dir, "*"+w+"*.tar")} {
			if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
				return found, nil
			}
		}
	}
	if found, err := filepath.Glob(filepath.Join(dir, "*.tar")); train && err == nil && len(found) > 0 {
		return found, nil
	}
	return nil, fmt.Errorf("%s has no %s/*.tar, nor *%s*.tar; want tar files of pictures", dir, words[0], words[0])
}

// scan lists a tar file's pictures, and its labels.
func (s *shards) scan(name string, labels map[string]string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	k := len(s.tars)
	s.tars = append(s.tars, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		at, err := f.Seek(0, io.SeekCurrent) // the tar reader does not read ahead
		if err != nil {
			return err
		}
		if h.Size < 0 || h.Size > info.Size()-at {
			return fmt.Errorf("truncated: %s has %d bytes, of which %d are there; fetch it again", h.Name, h.Size, info.Size()-at)
		}
		ext := strings.ToLower(path.Ext(h.Name))
		key := strings.TrimSuffix(path.Clean(h.Name), path.Ext(h.Name))
		id := strconv.Itoa(k) + "/" + key
		switch {
		case isPicture(path.Base(h.Name)):
			s.members = append(s.members, member{k, at, h.Size, key, ext})
		case ext == ".cls" || ext == ".json" && labels[id] == "":
			text, err := io.ReadAll(io.LimitReader(r, 1<<16))
			if err != nil {
				return err
			}
			if ext == ".cls" {
				labels[id] = strings.TrimSpace(string(text))
				continue
			}
			var v struct{ Label json.Number }
			if json.Unmarshal(text, &v) == nil && v.Label != "" {
				labels[id] = v.Label.String()
			}
		}
	}
}

// listing numbers the classes: the labels' numbers, or the names of folders.
func (s *shards) listing(labels map[string]string) (l listing, err error) {
	if len(s.members) == 0 {
		return l, errors.New("no PNG or JPEG pictures in the tar files")
	}
	names := make([]string, len(s.members))
	for i, m := range s.members {
		if len(labels) > 0 {
			names[i] = labels[strconv.Itoa(m.tar)+"/"+m.key]
		} else if dir := path.Dir(m.key); dir != "." {
			names[i] = path.Base(dir)
		}
		l.paths = append(l.paths, strconv.Itoa(i))
		if names[i] == "" && len(labels) > 0 {
			return l, fmt.Errorf("%s has no label (%s.cls, or a number label in %s.json)", m.key+m.format, m.key, m.key)
		}
	}
	l.classes = slices.Compact(slices.SortedFunc(slices.Values(names), byNumber))
	for _, name := range names {
		k, _ := slices.BinarySearchFunc(l.classes, name, byNumber)
		l.labels = append(l.labels, k)
	}
	if len(l.classes) == 1 && l.classes[0] == "" { // loose pictures
		l.classes = nil
		for i := range l.labels {
			l.labels[i] = -1
		}
	}
	return l, nil
}

// byNumber orders numbers by value, and other words as they are.
func byNumber(a, b string) int {
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	if err1 == nil && err2 == nil {
		return x - y
	}
	return strings.Compare(a, b)
}

func (s *shards) read(i int) ([]byte, string, error) {
	m := s.members[i]
	name := s.tars[m.tar].Name() + ": " + m.key + m.format
	if m.size > maxMember {
		return nil, name, fmt.Errorf("%s has %d bytes; want at most %d", name, m.size, maxMember)
	}
	data := make([]byte, m.size)
	_, err := s.tars[m.tar].ReadAt(data, m.at)
	return data, name, err
}
