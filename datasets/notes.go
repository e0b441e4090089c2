package datasets

import (
	"fmt"
	"io"
	"slices"
)

// Noter is a data set with notes on what it holds: what was left out, and what was assumed. Each note is one line.
type Noter interface{ Notes() []string }

// Notes returns the notes of ds, each once. It returns nil if ds is not a Noter.
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

// Close closes the files that ds keeps open, if any. Pictures of ds cannot be read afterwards.
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

// Close implements io.Closer. It closes the whole data set.
func (d *subset) Close() error { return Close(d.Dataset) }

// Close implements io.Closer.
func (d variant) Close() error { return Close(d.Foreground) }

// Close implements io.Closer and does nothing.
func (pictures) Close() error { return nil }

// Close implements io.Closer and does nothing.
func (*memory) Close() error { return nil }

// Close implements io.Closer and does nothing.
func (*fashionMNIST) Close() error { return nil }

// Close implements io.Closer and does nothing.
func (*shapes) Close() error { return nil }

// addNotes appends notes.
func (d *files) addNotes(notes []string) { d.notes = append(d.notes, notes...) }

// checkLabels refuses labels beyond the classes, which would otherwise fail late in an evaluation.
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
