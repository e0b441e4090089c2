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

// oneLine formats a name as a line of .names.txt. A name that has control characters (line breaks among them) or bytes
// that are not UTF-8 is quoted as in Go's source.
func oneLine(s string) string {
	odd := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
	if utf8.ValidString(s) && !strings.ContainsFunc(s, odd) {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// asUTF8 formats a name for csv and jsonl, which can hold only UTF-8. If the name is not UTF-8, each odd byte becomes
// \xNN and each backslash becomes two, so that names stay apart.
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

// appendCSV appends two fields, without the end of the line.
func appendCSV(b []byte, name, label string) []byte {
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	_ = w.Write([]string{asUTF8(name), asUTF8(label)}) // writing to memory cannot fail
	w.Flush()
	return append(b, bytes.TrimSuffix(line.Bytes(), []byte("\n"))...)
}

// appendJSON appends a text. It escapes only what JSON requires.
func appendJSON(b []byte, s string) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(asUTF8(s)) // writing to memory cannot fail
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// written returns the name that a reader of the row finds.
func written(format, name string) string {
	switch format {
	case "csv": // its reader turns \r\n into \n
		return strings.ReplaceAll(asUTF8(name), "\r\n", "\n")
	case "jsonl":
		return asUTF8(name)
	}
	return oneLine(name)
}

// rowNames reads the next row: its name, and the offset of its end. A row that is cut off at the end of the file is
// io.EOF.
type rowNames func() (name string, end int64, err error)

// namesOf reads rows of dim numbers in a format. For arrays it reads the lines of names.
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

// csvNames reads records. The first record is the header.
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

// ending records how a stream ends.
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
