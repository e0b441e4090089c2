package usage

import "fmt"

// Error is an error of the command line.
type Error struct{ error }

func Errorf(format string, args ...any) error { return Error{fmt.Errorf(format, args...)} }

// Wrap makes an error one of the command line, or of settings.
func Wrap(err error) error { return Error{err} }
