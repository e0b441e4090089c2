package datasets

import (
	"fmt"
	"io"
	"slices"
)

// Noter is a data set that has something to tell of what it holds: what was left
// out of it, and what was decided without being asked. Each note is a line.
type Noter interface{ Notes() []string }

// Notes are what ds has to tell, each once; none of a data set that is no Noter.
func Notes(ds Dataset) []string {
	n, ok := ds.(Noter)
	if !ok {
		return nil
	}
	var out []string
	for _, note := range n.Notes() {
		if !slices.Contains(out, note) {
			out = append(out, note)
		}
	}
	return out
}

// Close closes the files that ds keeps open, if it does. Its pictures cannot be
// read afterwards.
func Close(ds Dataset) error {
	if c, ok := ds.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// The data sets of this package are all Noters and Closers.

func (d *files) Notes() []string      { return d.notes }
func (d pictures) Notes() []string    { return d.notes }
func (d *confounded) Notes() []string { return Notes(d.background) }
func (d *subset) Notes() []string     { return Notes(d.Dataset) }
func (d variant) Notes() []string     { return Notes(d.Foreground) }
func (*memory) Notes() []string       { return nil }
func (*fashionMNIST) Notes() []string { return nil }
func (*shapes) Notes() []string       { return nil }
func (*stl10) Notes() []string        { return nil }

// Close implements io.Closer.
func (d *files) Close() error {
	if d.close == nil {
		return nil
	}
	return d.close()
}

// Close implements io.Closer.
func (d *confounded) Close() error { return Close(d.background) }

// Close implements io.Closer: it closes the data set that this is a part of.
func (d *subset) Close() error { return Close(d.Dataset) }

// Close implements io.Closer.
func (d variant) Close() error { return Close(d.Foreground) }

// Close implements io.Closer: nothing is open.
func (pictures) Close() error { return nil }

// Close implements io.Closer: nothing is open.
func (*memory) Close() error { return nil }

// Close implements io.Closer: nothing is open.
func (*fashionMNIST) Close() error { return nil }

// Close implements io.Closer: nothing is open.
func (*shapes) Close() error { return nil }

// tell adds notes.
func (d *files) tell(notes []string) { d.notes = append(d.notes, notes...) }

// checkLabels refuses a data set with a label that no class has: what counts by
// classes would fail much later.
func checkLabels(ds Dataset) error {
	classes := len(ds.Classes())
	for i := range ds.Len() {
		if l := ds.Label(i); l >= classes || l < -1 {
			return fmt.Errorf("%s: picture %s has label %d; want one below the %d classes",
				ds.Name(), PictureName(ds, i), l, classes)
		}
	}
	return nil
}
