package datasets

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// sample is one of WebDataset: the members of a tar file that have the same key.
type sample struct {
	tar int
	key string
}

// label is the label in a .cls or a .json.
type label struct {
	text   string
	number bool // whether a text of digits is a number: in a .cls, as for WebDataset, and a JSON number
}

// id identifies the class of a label. Numbers are compared by value, so that 01 is 1.
func (l label) id() string {
	if n, err := strconv.Atoi(l.text); err == nil && l.number {
		return strconv.Itoa(n)
	}
	return l.text
}

// maxLabel bounds the bytes of a label file, which may also hold captions.
const maxLabel = 16 << 20

// scanShards opens tar files and lists their members. After an error no file is open.
func scanShards(paths []string) (s shards, err error) {
	s = shards{labels: map[sample]label{}, others: tally{}}
	for _, p := range paths {
		if err := s.scan(p); err != nil {
			s.Close()
			return s, fmt.Errorf("%s: %w", p, err)
		}
	}
	return s, nil
}

// scan lists the pictures and labels of a tar file.
func (s *shards) scan(name string) error {
	if err := readableFile(name); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	s.tars = append(s.tars, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w; fetch it again", err)
		}
		if h.Typeflag != tar.TypeReg || slices.ContainsFunc(strings.Split(path.Clean(h.Name), "/"), isJunkMember) {
			continue
		}
		at, err := f.Seek(0, io.SeekCurrent) // the tar reader does not read ahead
		if err != nil {
			return err
		}
		if h.Size < 0 || h.Size > info.Size()-at {
			return fmt.Errorf("truncated: %s has %d bytes, of which %d are there; fetch it again",
				h.Name, h.Size, info.Size()-at)
		}
		if err := s.add(member{len(s.tars) - 1, at, h.Size, path.Clean(h.Name)}, r); err != nil {
			return err
		}
	}
}

// isJunkMember is isJunk for one element of a member's path, which may be "..".
func isJunkMember(part string) bool { return part != ".." && isJunk(part) }

// add adds a member: a picture, a label, or neither.
func (s *shards) add(m member, r io.Reader) error {
	id := sample{m.tar, strings.TrimSuffix(m.name, path.Ext(m.name))}
	switch ext := strings.ToLower(path.Ext(m.name)); {
	case isPicture(path.Base(m.name)):
		s.members = append(s.members, m)
	case ext == ".cls" || ext == ".json":
		text, err := io.ReadAll(io.LimitReader(r, maxLabel))
		if err != nil {
			return err
		}
		l := label{strings.TrimSpace(string(text)), true}
		if ext == ".json" {
			l = jsonLabel(text)
		}
		_, before := s.labels[id]
		switch {
		case l.text == "":
			s.others.add(path.Base(m.name))
		case ext == ".cls" || !before:
			s.labels[id] = l
		}
	default:
		s.others.add(path.Base(m.name))
	}
	return nil
}

// jsonLabel returns the entry "label" of a JSON object, a number or a text.
func jsonLabel(data []byte) label {
	var v struct{ Label json.RawMessage }
	if json.Unmarshal(data, &v) != nil {
		return label{}
	}
	var text string
	if json.Unmarshal(v.Label, &text) == nil {
		return label{text, false}
	}
	var number json.Number
	if json.Unmarshal(v.Label, &number) == nil {
		return label{number.String(), true}
	}
	return label{}
}

// splitKey splits a path at the first point of the file's name, as WebDataset does.
func splitKey(name string) (key, field string) {
	dir, base := path.Split(name)
	k, field, _ := strings.Cut(base, ".")
	return dir + k, field
}

// labelled returns the label of each picture. A name with more points, as a.mask.png, is another field
// of sample a unless it has its own label, a.mask.cls. Such fields are left out and counted.
func (s *shards) labelled() (labels []label, err error) {
	simple := map[sample]bool{}
	for _, m := range s.members {
		if k, field := splitKey(m.name); !strings.Contains(field, ".") {
			simple[sample{m.tar, k}] = true
		}
	}
	var pictures []member
	for _, m := range s.members {
		k, field := splitKey(m.name)
		name := strings.TrimSuffix(m.name, path.Ext(m.name))
		l, ok := s.labels[sample{m.tar, name}]
		switch {
		case ok:
			pictures, labels = append(pictures, m), append(labels, l)
		case strings.Contains(field, ".") && (simple[sample{m.tar, k}] || s.labels[sample{m.tar, k}].text != ""):
			s.others["."+field]++
		default:
			return nil, fmt.Errorf("%s has no label (%s.cls, or \"label\" in %s.json) in %s",
				m.name, name, name, s.tars[m.tar].Name())
		}
	}
	if s.members = pictures; len(pictures) == 0 {
		return nil, errors.New("no picture has a label: want KEY.jpg and KEY.cls, with no point in KEY")
	}
	return labels, nil
}
