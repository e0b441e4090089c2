package printable_test

import (
	"bytes"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/printable"
)

func TestControlCharactersAreEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"plain, tab\tand\n":     "plain, tab\tand\n",
		"Käse 猫 🐈 \u200d":       "Käse 猫 🐈 \u200d",
		"\x1b[31mred\x1b[0m":    `\x1b[31mred\x1b[0m`,
		"a\rb\x00\x7f\a":        `a\x0db\x00\x7f\x07`,
		"\u009b2J":              `\u009b2J`,
		"\u202egpj.exe":         `\u202egpj.exe`,
		"latin \xe9, half \xe7": `latin \xe9, half \xe7`,
		"\ufffd":                `\ufffd`,
	} {
		assert.Equal(t, want, printable.Text(text), "%q", text)
	}
}

// Characters may come in parts.
func TestAWriterPassesTextOn(t *testing.T) {
	const text = "猫 \x1b[2J 🐈\n"
	for cut := range len(text) {
		var b bytes.Buffer
		w := printable.New(&b)
		for _, part := range []string{text[:cut], text[cut:]} {
			n, err := w.Write([]byte(part))
			require.NoError(t, err)
			require.Equal(t, len(part), n)
		}
		assert.Equal(t, `猫 \x1b[2J 🐈`+"\n", b.String(), "cut at %d", cut)
		assert.Same(t, &b, printable.Raw(w))
		assert.Same(t, &b, printable.Data(w), "no terminal")
		assert.Same(t, &b, printable.Raw(&b))
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b[31m")
	f.Add("\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := printable.Text(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Fatalf("%q", got)
			}
		}
		if again := printable.Text(got); again != got {
			t.Fatalf("%q, then %q", got, again)
		}
	})
}
