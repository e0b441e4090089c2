// Package usage has the error of a wrong request: a flag, a setting or a combination of them. Command run then exits
// with status 2.
package usage

import "github.com/icl-msr/icl-msr/internal/field"

// Error is an error of the command line, or of settings.
type Error struct{ error }

// Unwrap returns the cause.
func (e Error) Unwrap() error { return e.error }

// Errorf makes an error as field.Errorf does.
func Errorf(format string, args ...any) error { return Error{field.Errorf(format, args...)} }

// Wrap returns err as an Error. It does not check for nil.
func Wrap(err error) error { return Error{err} }
