package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// WrongValue is the error of a value that does not have its setting's type.
type WrongValue struct{ name, why string }

func (e *WrongValue) Error() string { return e.name + e.why }

func wantsOther(g *pflag.Flag, text, want string) *WrongValue {
	return &WrongValue{g.Name, fmt.Sprintf(" %s: want %s", text, want)}
}

// SetValue sets a flag from a text on the command line or in a file.
func SetValue(f *pflag.FlagSet, g *pflag.Flag, text string) error {
	want := wants(g.Value.Type())
	if wholeNumbers(g.Value.Type()) && Octal(text) {
		return wantsOther(g, text, want+", without zeros before it")
	}
	err := f.Set(g.Name, text)
	var invalid *pflag.InvalidValueError
	switch {
	case err == nil:
		return nil
	case want != "":
		return wantsOther(g, text, want)
	case errors.As(err, &invalid): // this program's own types say what they want
		return &WrongValue{g.Name, fmt.Sprintf(": %v", invalid.Unwrap())}
	}
	return err
}

// wants describes the texts that a type of flags takes. It is empty for types whose own errors do.
func wants(kind string) string {
	switch kind {
	case "bool":
		return "true or false"
	case "int", "int64":
		return "a whole number"
	case "uint64":
		return "a whole number from 0 on"
	case "intSlice", "int64Slice":
		return "whole numbers with commas between them"
	case "float64":
		return "a number"
	case "float64Slice":
		return "numbers with commas between them"
	case "duration":
		return "a time, as 90s or 1h30m"
	}
	return ""
}

func wholeNumbers(kind string) bool { return strings.Contains(kind, "int") }

// Octal reports whether a number in a text begins with a zero. Go would read it as octal, but people mean decimal.
func Octal(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		digits := strings.TrimLeft(strings.TrimSpace(part), "+-")
		if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789_") == "" {
			return true
		}
	}
	return false
}
