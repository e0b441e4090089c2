package datasets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// shards has pictures in tar files, which are not unpacked. The members are WebDataset's, KEY.jpg with
// KEY.cls (a number or a text) or KEY.json (with "label"), or pictures in class folders. The tar files
// are listed once, when they are opened.
type shards struct {
	tars    []*os.File
	members []member
	labels  map[sample]label
	others  tally // members that are neither pictures nor labels
}

// member is a picture in a tar file.
type member struct {
	tar      int
	at, size int64  // offset and length in bytes
	name     string // its path in the tar
}

// maxMember bounds the bytes of a member that is read.
const maxMember = 256 << 20

func openShards(o Options) (Dataset, error) {
	paths, err := findShards(o.Dir)
	if err == nil {
		err = paths.check(o)
	}
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	s, l, err := readShards(o, paths)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	l.notes = append(l.notes, paths.notes...)
	if len(s.others) > 0 {
		l.notes = append(l.notes, fmt.Sprintf("%s: of the tar files' members these are neither pictures nor labels: %s",
			o.Dir, s.others))
	}
	l, which, err := l.selectClasses(o.Classes)
	if err == nil {
		err = l.checkClasses(o)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("shards: %w", err)
	}
	return s.files(o, l, which), nil
}

// readShards lists a split. The test split has the classes of the training split, if there is one.
// After an error no file is open.
func readShards(o Options, paths shardPaths) (s shards, l listing, err error) {
	var known *classNames
	if len(paths.train) > 0 {
		if s, err = scanShards(paths.train); err != nil {
			return s, l, err
		}
		if l, known, err = s.listing(nil); err != nil || !o.Train {
			s.Close()
		}
	}
	if err != nil || o.Train {
		return s, l, err
	}
	if s, err = scanShards(paths.test); err != nil {
		return s, l, err
	}
	if l, _, err = s.listing(known); err != nil {
		s.Close()
	}
	return s, l, err
}

// files returns the data set of the listed members. which has their indices in s.
func (s *shards) files(o Options, l listing, which []int) *files {
	selected := make([]member, len(which))
	for k, i := range which {
		selected[k] = s.members[i]
	}
	s.members, s.labels = selected, nil
	d := newFiles(splitName("shards "+o.Dir, o.Train), l)
	d.read, d.rawAt, d.close, d.depth = s.read, s.raw, s.Close, o.Depth16
	return d
}

// Close closes the tar files.
func (s *shards) Close() error {
	var errs []error
	for _, f := range s.tars {
		errs = append(errs, f.Close())
	}
	s.tars = nil
	return errors.Join(errs...)
}

func (s *shards) read(i int) ([]byte, string, error) {
	m := s.members[i]
	if m.tar >= len(s.tars) {
		return nil, m.name, os.ErrClosed
	}
	name := s.tars[m.tar].Name() + ": " + m.name
	if m.size > maxMember {
		return nil, name, fmt.Errorf("%s has %d bytes; want at most %d", name, m.size, maxMember)
	}
	data := make([]byte, m.size)
	_, err := s.tars[m.tar].ReadAt(data, m.at)
	return data, name, err
}

func (s *shards) raw(i int) (io.ReadCloser, int64, error) {
	m := s.members[i]
	if m.tar >= len(s.tars) {
		return nil, 0, os.ErrClosed
	}
	return io.NopCloser(io.NewSectionReader(s.tars[m.tar], m.at, m.size)), m.size, nil
}

// base is the name of a member's tar file, without folder and ending.
func (s *shards) base(m member) string { return stem(filepath.Base(s.tars[m.tar].Name())) }
