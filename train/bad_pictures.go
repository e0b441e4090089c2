package train

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
)

// badPictures warns once of each picture that cannot be read. It gives up when there are too many of them to be an
// accident.
type badPictures struct {
	w    io.Writer
	all  int // pictures of the data set
	stop bool
	lock sync.Mutex
	seen map[int]bool
}

// namedBad is how many pictures get a warning of their own.
const namedBad = 10

// tolerated returns how many bad pictures may be an accident: one in a hundred, or in smaller sets one in ten but at
// most ten. One is always tolerated.
func tolerated(all int) int { return max(1, min(10, all/10), all/100) }

// newBad returns the counter of bad pictures of a data set; all is its number of pictures. Warnings go to w, which may
// be nil.
func (c *Config) newBad(w io.Writer, all int) (*badPictures, error) {
	if err := choice("{train.BadPictures}", c.BadPictures, "skip", "stop"); err != nil {
		return nil, err
	}
	if w == nil {
		w = io.Discard
	}
	return &badPictures{w: w, all: all, stop: c.BadPictures == "stop", seen: map[int]bool{}}, nil
}

// SkipBad returns the function that a loader calls for a picture that it cannot read. If it is nil, the loader stops
// at the first one.
func (c *Config) SkipBad(w io.Writer, all int) (func(int, error) error, error) {
	b, err := c.newBad(w, all)
	if err != nil {
		return nil, err
	}
	return b.reader(), nil
}

// reader returns the loader's function, as SkipBad does.
func (b *badPictures) reader() func(int, error) error {
	if b.stop {
		return nil
	}
	return b.bad
}

// bad counts picture i, and warns of it. It returns an error once there are too many.
func (b *badPictures) bad(i int, err error) error {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.seen[i] {
		return nil
	}
	b.seen[i] = true
	switch n := len(b.seen); {
	case n > tolerated(b.all):
		return fmt.Errorf("%d of %d pictures cannot be read, the last: %w", n, b.all, err)
	case n <= namedBad:
		field.Fprintf(b.w, "warning: skipped %v\n", err)
	case n == namedBad+1:
		fmt.Fprintln(b.w, "warning: further pictures that cannot be read are skipped without a word, up to one in a hundred")
	}
	return nil
}

// read counts the pictures of ds that a pass could read.
func (b *badPictures) read(ds datasets.Dataset) PictureCount {
	b.lock.Lock()
	defer b.lock.Unlock()
	out := PictureCount{Read: ds.Len() - len(b.seen), Of: ds.Len()}
	if len(b.seen) == 0 {
		return out
	}
	left := datasets.Counts(ds)
	lost := map[int]bool{}
	for i := range b.seen {
		if l := ds.Label(i); l >= 0 {
			left[l]--
			lost[l] = left[l] == 0
		}
	}
	for l, name := range ds.Classes() {
		if lost[l] {
			out.Lost = append(out.Lost, name)
		}
	}
	return out
}

// PictureCount tells how many pictures a figure is computed from.
type PictureCount struct {
	Read int      `json:"read"`
	Of   int      `json:"of"`
	Lost []string `json:"lost_classes,omitempty"` // classes without any readable picture
}

// String is "7 of 8", or "8" if no picture is missing.
func (c PictureCount) String() string {
	if c.Read == c.Of {
		return fmt.Sprint(c.Of)
	}
	text := fmt.Sprintf("%d of %d", c.Read, c.Of)
	if len(c.Lost) > 0 {
		text += fmt.Sprintf(" (none of class %s)", strings.Join(c.Lost[:min(3, len(c.Lost))], ", "))
	}
	return text
}

// LeftOut returns a line that names the parts that lack pictures. It is empty if none does.
func LeftOut(parts map[string]PictureCount) string {
	var words []string
	for name, c := range parts {
		if c.Read < c.Of {
			words = append(words, fmt.Sprintf("%s %s pictures", c, name))
		}
	}
	if len(words) == 0 {
		return ""
	}
	slices.Sort(words)
	return "on " + strings.Join(words, " and ") + ": the others could not be read, and are left out"
}
