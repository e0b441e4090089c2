package embedding

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine is a name as a line of .names.txt: one with control characters, line
// breaks among them, or bytes that are no UTF-8 is written as in Go's source.
func oneLine(s string) string {
	odd := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
	if utf8.ValidString(s) && !strings.ContainsFunc(s, odd) {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// asUTF8 is a name for csv and jsonl. Of one that is no UTF-8, which neither can
// hold, the odd bytes become \xNN and a backslash becomes two.
func asUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// appendCSV adds two fields, without an end of the line.
func appendCSV(b []byte, name, label string) []byte {
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	_ = w.Write([]string{asUTF8(name), asUTF8(label)}) // to memory
	w.Flush()
	return append(b, bytes.TrimSuffix(line.Bytes(), []byte("\n"))...)
}

// appendJSON adds a text, as it is but for what JSON must escape.
func appendJSON(b []byte, s string) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(asUTF8(s)) // to memory
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// written is a name as reading a row gives it back.
func written(format, name string) string {
	switch format {
	case "csv": // whose reader takes \r\n for \n
		return strings.ReplaceAll(asUTF8(name), "\r\n", "\n")
	case "jsonl":
		return asUTF8(name)
	}
	return oneLine(name)
}

// rowNames reads rows back: each one's name, and where it ends. A row that is
// torn off at the end is io.EOF.
type rowNames func() (name string, end int64, err error)

// namesOf reads rows of a format, of dim numbers; of arrays the lines of names.
func namesOf(r io.Reader, format string, dim int) rowNames {
	switch format {
	case "csv":
		return csvNames(r, dim)
	case "jsonl":
		return lineNames(r, func(line string) (string, error) {
			var row struct{ Name *string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				return "", err
			}
			if row.Name == nil {
				return "", errors.New("no name")
			}
			return *row.Name, nil
		})
	}
	return lineNames(r, func(line string) (string, error) {
		name, _, _ := strings.Cut(line, "\t")
		return name, nil
	})
}

func lineNames(r io.Reader, parse func(line string) (string, error)) rowNames {
	lines, end := bufio.NewReaderSize(r, 1<<20), int64(0)
	return func() (string, int64, error) {
		line, err := lines.ReadString('\n')
		if err != nil {
			return "", end, err
		}
		name, err := parse(strings.TrimSuffix(line, "\n"))
		if err == nil {
			end += int64(len(line))
		}
		return name, end, err
	}
}

// csvNames reads records, the first of which is the head.
func csvNames(r io.Reader, dim int) rowNames {
	all := &ending{r: r}
	records := csv.NewReader(bufio.NewReaderSize(all, 1<<20))
	records.FieldsPerRecord, records.ReuseRecord = dim+2, true
	end, head := int64(0), true
	next := func() (string, error) {
		record, err := records.Read()
		at := records.InputOffset()
		switch torn := all.done && at == all.size && (err != nil || all.last != '\n'); {
		case errors.Is(err, io.EOF), torn:
			return "", io.EOF
		case err != nil:
			return "", err
		}
		end = at
		return record[0], nil
	}
	return func() (string, int64, error) {
		if head {
			if _, err := next(); err != nil {
				return "", end, err
			}
			head = false
		}
		name, err := next()
		return name, end, err
	}
}

// ending remembers how a stream ends.
type ending struct {
	r    io.Reader
	size int64
	last byte
	done bool
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if n > 0 {
		e.size, e.last = e.size+int64(n), p[n-1]
	}
	e.done = e.done || errors.Is(err, io.EOF)
	return n, err
}
