// Package gotchhome keeps gotch from creating a folder when a program starts. gotch's init creates ~/.cache/gotch for
// downloads, which this program does not use. If it cannot, it ends the program, and HOME is read-only in many
// containers.
//
// Go initialises packages whose imports are initialised in the order of their paths. This package only imports os,
// which gotch imports, too, and its path sorts before gotch's. So it is initialised first, in programs, tests and
// plugins.
package gotchhome

import "os"

// variable is the environment variable from which gotch takes the folder.
const variable = "GOTCH_CACHE"

// restore undoes init's change of the environment.
var restore = func() {}

// init lets gotch find an existing folder. gotch only checks that the path exists.
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

// Restore resets the environment after gotch is initialised. It returns the folder that gotch would have created; a
// download by gotch creates it.
func Restore() string {
	restore()
	restore = func() {}
	if dir := os.Getenv(variable); dir != "" {
		return dir
	}
	return os.Getenv("HOME") + "/.cache/gotch"
}
