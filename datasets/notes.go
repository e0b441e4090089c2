package datasets

import (
	"fmt"
	"io"
	"slices"
)

// Noter is a data set with warnings about what it holds: what was left out, and what was assumed.
// Each is an error of one line, which nobody has to act on.
type Noter interface{ Notes() []error }

// Notes returns the warnings of ds, each once. It returns nil if ds is not a Noter.
func Notes(ds Dataset) []error {
	n, ok := ds.(Noter)
	if !ok {
		return nil
	}
	var out []error
	for _, note := range n.Notes() {
		known := slices.ContainsFunc(out, func(e error) bool { return e.Error() == note.Error() })
		if !known {
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

func (d *files) Notes() []error      { return d.notes }
func (d pictures) Notes() []error    { return d.notes }
func (d *confounded) Notes() []error { return Notes(d.background) }
func (d *subset) Notes() []error     { return Notes(d.Dataset) }
func (d variant) Notes() []error     { return Notes(d.Foreground) }
func (*memory) Notes() []error       { return nil }
func (*fashionMNIST) Notes() []error { return nil }
func (*shapes) Notes() []error       { return nil }
func (*stl10) Notes() []error        { return nil }

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
func (d *files) addNotes(notes []error) { d.notes = append(d.notes, notes...) }

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
