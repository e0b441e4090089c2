// Package field lets a library speak of its fields and a command of its flags. An error names a
// setting as {package.Field}. A library's user reads "Gamma -1: want 0 or more"; the command
// translates the same error to "--gamma -1: want 0 or more".
package field

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
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
	args := slices.Clone(e.args)
	for i, a := range args {
		if err, ok := a.(error); ok {
			args[i] = &named{err, name}
		}
	}
	return fmt.Errorf(format, args...).Error()
}

// own is the field of package.Field.
func own(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// Text is the message of err with each setting called what name calls it, as a flag. A setting
// that name does not know ("") keeps its field's name.
func Text(err error, name func(key string) string) string {
	text := err.Error()
	for _, e := range outermost(err) {
		called := e.text(func(key string) string { return cmp.Or(name(key), own(key)) })
		text = strings.Replace(text, e.Error(), called, 1)
	}
	return text
}

// Named is err with the message of Text; nil for nil.
func Named(err error, name func(key string) string) error {
	if err == nil {
		return nil
	}
	return &named{err, name}
}

type named struct {
	error
	name func(key string) string
}

func (e *named) Error() string { return Text(e.error, e.name) }

func (e *named) Unwrap() error { return e.error }

// outermost are the Errors in err that are not part of another one.
func outermost(err error) []*Error {
	switch e := err.(type) {
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() error }:
		return outermost(e.Unwrap())
	case interface{ Unwrap() []error }:
		var out []*Error
		for _, part := range e.Unwrap() {
			out = append(out, outermost(part)...)
		}
		return out
	}
	return nil
}

var key = regexp.MustCompile(`\{[a-z]+\.[A-Za-z0-9.]+\}`)
