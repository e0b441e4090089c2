package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/icl-msr/icl-msr/internal/suggest"
)

// badPictures warns of pictures that cannot be read, each once, and gives up
// when they are too many to be an accident.
type badPictures struct {
	w    io.Writer
	all  int // pictures of the data set
	lock sync.Mutex
	seen map[int]bool
}

const (
	namedBad = 10  // warnings with the picture's name
	badShare = 100 // one in so many, and more than namedBad, is too many
)

// reader returns what the loader is to do about them; nil: stop at the first.
func (c *config) badPictures(w io.Writer, all int) (func(int, error) error, error) {
	switch c.BadPictures {
	case "stop":
		return nil, nil
	case "skip":
		return (&badPictures{w: w, all: all, seen: map[int]bool{}}).bad, nil
	}
	return nil, usage{suggest.Unknown("--bad-pictures", c.BadPictures, []string{"skip", "stop"})}
}

func (b *badPictures) bad(i int, err error) error {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.seen[i] {
		return nil
	}
	b.seen[i] = true
	switch n := len(b.seen); {
	case n > namedBad && n*badShare > b.all:
		return fmt.Errorf("%d of %d pictures cannot be read, the last: %w", n, b.all, err)
	case n <= namedBad:
		fmt.Fprintf(b.w, "warning: skipped %v\n", err)
	case n == namedBad+1:
		fmt.Fprintln(b.w, "warning: further pictures that cannot be read are skipped without a word, up to one in a hundred")
	}
	return nil
}
