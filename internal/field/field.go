// Package field lets a library speak of its fields and a command of its flags. An error names a
// setting as {package.Field}. A library's user reads "Gamma -1: want 0 or more"; the command
// translates the same error to "--gamma -1: want 0 or more".
package field

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Error is an error about one or more settings.
type Error struct {
	format string // names settings as {package.Field}
	args   []any
}

// Errorf makes an error whose format names settings as {package.Field}. The verbs are those of
// fmt.Errorf, %w included.
func Errorf(format string, args ...any) error { return &Error{format, args} }

// Error names each setting by its field alone.
func (e *Error) Error() string { return e.text(own) }

// Unwrap is the error that %w wrapped.
func (e *Error) Unwrap() error { return errors.Unwrap(fmt.Errorf(e.format, e.args...)) }

func (e *Error) text(name func(key string) string) string {
	format := key.ReplaceAllStringFunc(e.format, func(s string) string { return name(strings.Trim(s, "{}")) })
	return fmt.Errorf(format, e.args...).Error()
}

// own is the field of package.Field.
func own(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// Text is the message of err with each setting called what name calls it, as a flag. A setting
// that name does not know ("") keeps its field's name.
func Text(err error, name func(key string) string) string {
	var e *Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	named := e.text(func(key string) string {
		if flag := name(key); flag != "" {
			return flag
		}
		return own(key)
	})
	return strings.Replace(err.Error(), e.Error(), named, 1)
}

var key = regexp.MustCompile(`\{[a-z]+\.[A-Za-z0-9.]+\}`)
