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
	text  string // names settings as {package.Field}
	cause error
}

// Errorf makes an error whose format names settings as {package.Field}. Arguments are not searched
// for names. %w wraps, as in fmt.Errorf.
func Errorf(format string, args ...any) error {
	guarded := make([]any, len(args))
	for i, a := range args {
		guarded[i] = a
		if s, ok := a.(string); ok {
			guarded[i] = guard.Replace(s)
		}
	}
	err := fmt.Errorf(format, guarded...)
	return &Error{text: err.Error(), cause: errors.Unwrap(err)}
}

// Error names each setting by its field alone.
func (e *Error) Error() string {
	return e.name(func(key string) string { return key[strings.LastIndexByte(key, '.')+1:] })
}

// Unwrap is the error that %w wrapped.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) name(of func(key string) string) string {
	text := key.ReplaceAllStringFunc(e.text, func(s string) string { return of(strings.Trim(s, "{}")) })
	return unguard.Replace(text)
}

// Text is the message of err with each setting named by name, as a flag. Fields that name does not
// know ("") keep their own name.
func Text(err error, name func(key string) string) string {
	var e *Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	named := e.name(func(key string) string {
		if flag := name(key); flag != "" {
			return flag
		}
		return key[strings.LastIndexByte(key, '.')+1:]
	})
	return strings.Replace(err.Error(), e.Error(), named, 1)
}

var (
	key     = regexp.MustCompile(`\{[a-z]+\.[A-Za-z0-9.]+\}`)
	guard   = strings.NewReplacer("{", "\x00")
	unguard = strings.NewReplacer("\x00", "{")
)
