// Package gotchhome keeps gotch from making a folder when a program starts.
// gotch's init makes ~/.cache/gotch, which it has for downloads that nothing here
// asks for, and ends the program where it cannot: HOME is read-only in many
// containers.
//
// Go initialises the packages whose imports are initialised in the order of their
// paths. This one imports os alone, which gotch imports, too, and its path is less
// than gotch's: it comes first, in programs, tests and plugins alike.
package gotchhome

import "os"

// variable is what gotch takes the folder from.
const variable = "GOTCH_CACHE"

// restore undoes what init did to the environment.
var restore = func() {}

// init lets gotch find a folder that is there already: gotch looks whether
// something has the name, and no more.
func init() {
	given, set := os.LookupEnv(variable)
	if os.Setenv(variable, os.DevNull) != nil {
		return
	}
	restore = func() {
		if set {
			os.Setenv(variable, given)
		} else {
			os.Unsetenv(variable)
		}
	}
}

// Restore gives the environment back what it had, once gotch is initialised, and
// returns the folder that gotch would have made: downloads by gotch make it when
// they come.
func Restore() string {
	restore()
	restore = func() {}
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	return os.Getenv("HOME") + "/.cache/gotch"
}
