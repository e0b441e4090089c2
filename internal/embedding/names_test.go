package embedding

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNamesInOutputs(t *testing.T) {
	for _, c := range []struct{ name, line, utf8 string }{
		{"a.jpg", "a.jpg", "a.jpg"},
		{"été, \"x\" <1>&\\.png", "été, \"x\" <1>&\\.png", "été, \"x\" <1>&\\.png"},
		{"two\nlines\t.png", `two\nlines\t.png`, "two\nlines\t.png"},
		{"esc\x1b[2J.png", `esc\x1b[2J.png`, "esc\x1b[2J.png"},
		{"\u0085\u2028", `\u0085\u2028`, "\u0085\u2028"},
		{"\xff\\é", `\xff\\é`, `\xff\\é`},
		{"日本\xe6", `日本\xe6`, `日本\xe6`},
	} {
		assert.Equal(t, c.line, oneLine(c.name))
		assert.Equal(t, c.utf8, asUTF8(c.name))
		row, err := csv.NewReader(bytes.NewReader(appendCSV(nil, c.name, "a,b"))).Read()
		require.NoError(t, err)
		assert.Equal(t, []string{c.utf8, "a,b"}, row)
		var back string
		raw := appendJSON(nil, c.name)
		require.NoError(t, json.Unmarshal(raw, &back))
		assert.Equal(t, c.utf8, back)
		assert.NotContains(t, string(raw), `\u003c`, "no escapes of HTML")
	}
}

func TestRowsThatAreNoneAreErrors(t *testing.T) {
	for text, format := range map[string]string{
		"name,label,f0\na,b\nc,,1\n":     "csv",
		"name,label,f0\na\"b,,1\nc,,1\n": "csv",
		"{\"nam\":1}\n":                  "jsonl",
		"no json\n":                      "jsonl",
	} {
		_, _, err := namesOf(strings.NewReader(text), format, 1)()
		assert.Error(t, err, text)
		assert.NotErrorIs(t, err, io.EOF, text)
	}
}

// rowsOf returns rows of one number in the format of embed, and the offset of each row's end.
func rowsOf(format string, names []string) (text []byte, ends []int) {
	if format == "csv" {
		text = []byte("name,label,f0\n")
	}
	for _, n := range names {
		switch format {
		case "csv":
			text = append(appendCSV(text, n, "l"), ",1.5\n"...)
		case "jsonl":
			text = fmt.Appendf(text, `{"name":%s,"label":"l","features":[1.5]}`+"\n", appendJSON(nil, n))
		default:
			text = append(text, oneLine(n)+"\tl\n"...)
		}
		ends = append(ends, len(text))
	}
	return text, ends
}

// Wherever a file is cut, its complete rows are read as they were written.
func FuzzRowsAreReadAsWritten(f *testing.F) {
	f.Add("a.jpg", `"odd", name.png`, 17)
	f.Add("two\nlines\r\n", "\xff\\", 25)
	f.Add("", " lead", 1000)
	f.Add("\"\"", "a\"\r", 20)
	f.Fuzz(func(t *testing.T, a, b string, cut int) {
		names := []string{a, b, "last"}
		for _, format := range []string{"csv", "jsonl", "npy"} {
			text, ends := rowsOf(format, names)
			assert.True(t, utf8.Valid(text))
			n := min(max(cut, 0), len(text))
			read := namesOf(bytes.NewReader(text[:n]), format, 1)
			for i, end := range ends {
				name, at, err := read()
				if end > n {
					require.ErrorIs(t, err, io.EOF, "%s: row %d", format, i)
					break
				}
				require.NoError(t, err, "%s: row %d of %q", format, i, text[:n])
				require.Equal(t, written(format, names[i]), name)
				require.EqualValues(t, end, at)
			}
		}
	})
}

// Any other text gives an error or an end, and no offset beyond the file.
func FuzzRowsThatOthersWrote(f *testing.F) {
	f.Add([]byte("name,label,f0\na,,1\n\"x"))
	f.Add([]byte(`{"name":"a"}` + "\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range []string{"csv", "jsonl", "npy"} {
			read, last := namesOf(bytes.NewReader(text), format, 1), int64(0)
			for range len(text) + 1 {
				_, end, err := read()
				require.LessOrEqual(t, end, int64(len(text)))
				require.GreaterOrEqual(t, end, last)
				last = end
				if err != nil {
					if errors.Is(err, io.EOF) && last > 0 {
						require.Equal(t, byte('\n'), text[last-1], "%s: rows end with their lines", format)
					}
					break
				}
			}
		}
	})
}
