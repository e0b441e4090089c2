package main

import "fmt"

// usage is an error of the command line.
type usage struct{ error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// wrongUse makes an error one of the command line, or of settings.
func wrongUse(err error) error { return usage{err} }
