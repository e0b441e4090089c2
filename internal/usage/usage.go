// Package usage has the error of a request that is wrong: a flag, a setting or a combination of them. Command run
// ends with status 2 then.
package usage

import "github.com/icl-msr/icl-msr/internal/field"

// Error is an error of the command line, or of settings.
type Error struct{ error }

// Unwrap is what is wrong.
func (e Error) Unwrap() error { return e.error }

// Errorf makes an error as field.Errorf does.
func Errorf(format string, args ...any) error { return Error{field.Errorf(format, args...)} }

// Wrap makes err an Error.
func Wrap(err error) error { return Error{err} }
