package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// WrongValue is the error of a value that is not of its setting's type.
type WrongValue struct{ name, why string }

func (e *WrongValue) Error() string { return e.name + e.why }

func wantsOther(g *pflag.Flag, text, want string) *WrongValue {
	return &WrongValue{g.Name, fmt.Sprintf(" %s: want %s", text, want)}
}

// SetValue gives a flag a value from its text, on the command line or in a file.
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
	case errors.As(err, &invalid): // a type of ours says what it wants
		return &WrongValue{g.Name, fmt.Sprintf(": %v", invalid.Unwrap())}
	}
	return err
}

// wants says what texts a type of flags takes; empty for types that say it.
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

// Octal reports whether one of the numbers in a text begins with a zero: Go would
// take it as octal, people mean it as decimal.
func Octal(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		digits := strings.TrimLeft(strings.TrimSpace(part), "+-")
		if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789_") == "" {
			return true
		}
	}
	return false
}
