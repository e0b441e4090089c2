package torchscript

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/pickle"
)

// openZip reads the format of PyTorch since 1.6: a zip file with a pickle, NAME/data.pkl, and an entry NAME/data/KEY
// for each storage, without compression.
func (w *Weights) openZip() error {
	a, err := readArchive(w.file, w.size)
	if err != nil {
		return err
	}
	if a.has("constants.pkl") {
		w.Format = "TorchScript"
	} else {
		w.Format = "PyTorch"
	}
	if err := a.littleEndian(); err != nil {
		return err
	}
	data, err := a.text("data.pkl", maxPickle)
	if err != nil {
		return err
	}
	root, _, err := pickle.Read(data, harmless)
	if err != nil {
		return fmt.Errorf("data.pkl: %w", err)
	}
	return w.find(root, func(r reference) (place, error) {
		at, size, err := a.span("data/" + r.key)
		return place{at, size}, err
	})
}

// archive is the table of contents of a zip file as PyTorch writes it.
type archive struct {
	folder  string // with a slash at the end
	entries map[string]*zip.File
	spans   []span
}

// span is a part of the file that an entry uses; the entry may use more.
type span struct {
	from, to int64
	name     string
}

func readArchive(f io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("a zip file without a table of contents: truncated? (%w)", err)
	}
	a := &archive{entries: map[string]*zip.File{}}
	for _, e := range z.File {
		if unusual(e.Name) {
			return nil, fmt.Errorf("the zip file has an entry named %q: not one of torch.save", e.Name)
		}
		if a.entries[e.Name] != nil {
			return nil, fmt.Errorf("the zip file has two entries named %q", e.Name)
		}
		a.entries[e.Name] = e
		if folder, ok := strings.CutSuffix(e.Name, "data.pkl"); ok && strings.Count(folder, "/") == 1 {
			if a.folder != "" {
				return nil, fmt.Errorf("the zip file has both %sdata.pkl and %s", a.folder, e.Name)
			}
			a.folder = folder
		}
	}
	if a.folder == "" {
		return nil, errors.New("a zip file without data.pkl: not one of torch.save")
	}
	return a, a.checkOverlaps(size)
}

// unusual reports whether torch.save would not write an entry of this name.
func unusual(name string) bool {
	clean := path.Clean(name)
	return name != clean && name != clean+"/" || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") ||
		strings.ContainsAny(name, "\\\x00")
}

func (a *archive) has(name string) bool { return a.entries[a.folder+name] != nil }

// checkOverlaps refuses entries that share bytes or end after the file.
func (a *archive) checkOverlaps(size int64) error {
	for _, e := range a.entries {
		at, err := e.DataOffset()
		if err != nil {
			return fmt.Errorf("zip entry %q: %w", e.Name, err)
		}
		n := int64(e.CompressedSize64)
		if n < 0 || at > size || n > size-at {
			return fmt.Errorf("zip entry %q has %d bytes at offset %d, the file has %d: truncated",
				e.Name, e.CompressedSize64, at, size)
		}
		header := int64(30 + len(e.Name))
		a.spans = append(a.spans, span{at - header, at + n, e.Name})
	}
	slices.SortFunc(a.spans, func(x, y span) int { return int(min(1, max(-1, x.from-y.from))) })
	for i := 1; i < len(a.spans); i++ {
		if p, q := a.spans[i-1], a.spans[i]; q.from < p.to {
			return fmt.Errorf("the zip entries %q and %q overlap at offset %d", p.name, q.name, q.from)
		}
	}
	return nil
}

// span returns the place of an entry that is not compressed.
func (a *archive) span(name string) (at, size int64, err error) {
	e := a.entries[a.folder+name]
	if e == nil {
		return 0, 0, fmt.Errorf("no entry %s%s in the file", a.folder, name)
	}
	if e.Method != zip.Store || e.CompressedSize64 != e.UncompressedSize64 {
		return 0, 0, fmt.Errorf("entry %s is compressed, which torch.save never does; "+
			"unpack the file and save it again with PyTorch", e.Name)
	}
	at, err = e.DataOffset()
	return at, int64(e.CompressedSize64), err
}

// text reads an entry of at most limit bytes.
func (a *archive) text(name string, limit int64) ([]byte, error) {
	at, size, err := a.span(name)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes; want at most %d", name, size, limit)
	}
	r, err := a.entries[a.folder+name].OpenRaw()
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("%s at offset %d: %w", name, at, err)
	}
	return data, nil
}

// littleEndian refuses the files of big-endian machines.
func (a *archive) littleEndian() error {
	if !a.has("byteorder") {
		return nil // before 2.1
	}
	order, err := a.text("byteorder", 16)
	if err == nil && string(order) != "little" {
		err = fmt.Errorf("its numbers are %s-endian; load and save it again on a little-endian machine", order)
	}
	return err
}
