// Package usage has the error of a request that is wrong: a flag, a setting or a combination of them. Command run
// ends with status 2 then.
package usage

import "fmt"

// Error is an error of the command line.
type Error struct{ error }

func Errorf(format string, args ...any) error { return Error{fmt.Errorf(format, args...)} }

// Wrap makes an error one of the command line, or of settings.
func Wrap(err error) error { return Error{err} }
