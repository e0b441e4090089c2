// Package printable keeps control characters off terminals. Names of files, classes and tensors come from others, and a
// terminal obeys control characters in them.
package printable

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Text returns a text with escapes for control characters, changes of the writing direction and bytes that are not
// UTF-8. Newlines and tabs stay.
func Text(s string) string {
	if strings.IndexFunc(s, obeyed) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case !obeyed(r):
			b.WriteString(s[:n])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

// obeyed reports whether a terminal does something else than show a character.
func obeyed(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r == utf8.RuneError: // which may stand for an invalid byte
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // direction
		return true
	}
	return unicode.IsControl(r)
}

// Writer passes text on through Text. Several goroutines may use it.
type Writer struct {
	w    io.Writer
	lock sync.Mutex
	rest []byte // the first bytes of a character
}

// New is a Writer on w.
func New(w io.Writer) *Writer { return &Writer{w: w} }

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	data := append(w.rest, p...)
	whole := len(data) - begun(data)
	w.rest = append([]byte(nil), data[whole:]...)
	// Not io.WriteString: it would bypass the Write of a writer that embeds a buffer.
	if _, err := w.w.Write([]byte(Text(string(data[:whole])))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// begun is the number of bytes at the end of data that begin a character.
func begun(data []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(data); n++ {
		if tail := data[len(data)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// Raw is the writer behind the Writer.
func (w *Writer) Raw() io.Writer { return w.w }

// Raw is the writer behind a Writer, or behind what embeds one; another writer is returned unchanged.
func Raw(w io.Writer) io.Writer {
	if p, ok := w.(interface{ Raw() io.Writer }); ok {
		return p.Raw()
	}
	return w
}

// Data is the writer for results that other programs read: unchanged, unless it is a terminal.
func Data(w io.Writer) io.Writer {
	if Terminal(w) {
		return w
	}
	return Raw(w)
}

// Terminal reports whether w writes to a terminal.
func Terminal(w io.Writer) bool {
	f, ok := Raw(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
