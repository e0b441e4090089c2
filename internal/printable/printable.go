// Package printable keeps control characters off terminals: names of files,
// classes and tensors come from others, and a terminal obeys what is in them.
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

// Text is a text with control characters, turns of the writing direction and what
// is not UTF-8 as escapes. Newlines and tabs stay.
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

// obeyed reports whether a terminal does something other than show a character.
func obeyed(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r == utf8.RuneError: // which may stand for a byte that is no character
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // direction
		return true
	}
	return unicode.IsControl(r)
}

// Writer passes text on as Text has it. It may be used by several goroutines.
type Writer struct {
	w    io.Writer
	lock sync.Mutex
	rest []byte // the beginning of a character
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
	// Not io.WriteString, which passes by the Write of a writer that embeds a buffer.
	if _, err := w.w.Write([]byte(Text(string(data[:whole])))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// begun is the length of the beginning of a character at the end of data.
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

// Raw is what the Writer writes to.
func (w *Writer) Raw() io.Writer { return w.w }

// Raw is what a Writer, or what embeds one, writes to; other writers are themselves.
func Raw(w io.Writer) io.Writer {
	if p, ok := w.(interface{ Raw() io.Writer }); ok {
		return p.Raw()
	}
	return w
}

// Data is where results for other programs are written: raw, but to a terminal.
func Data(w io.Writer) io.Writer {
	if Terminal(w) {
		return w
	}
	return Raw(w)
}

// Terminal reports whether what is written is shown on a terminal.
func Terminal(w io.Writer) bool {
	f, ok := Raw(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
