// Package standin is a device that tests use in place of a GPU. LibTorch treats it like one: its tensors do not mix
// with the CPU's, reading a value is a transfer, and backward passes run on a thread of their own. Its operations are
// the CPU's, so results can be compared. Importing the package creates the device.
//
// LibTorch's meta device would not do: it has no values, and no convolution or batch norm outside of Python.
package standin

// #cgo CXXFLAGS: -std=c++17 -Wall -Wno-sign-compare
// #cgo LDFLAGS: -lc10 -ltorch_cpu -lstdc++
// #include "standin.h"
import "C"

import (
	"fmt"
	"path"
	"runtime"
	"strings"
	"unsafe"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Device returns the stand-in device.
func Device() gotch.Device { return torch.StandIn() }

// Counts are the numbers of transfers in this process so far.
type Counts struct {
	Reads   int64 // to the host, which waited
	Late    int64 // to the host, which did not wait
	Uploads int64 // from the host
}

// Counted returns the counts.
func Counted() Counts {
	c := C.standin_counted()
	return Counts{int64(c.reads), int64(c.late), int64(c.uploads)}
}

// Since returns the transfers since c was taken.
func (c Counts) Since() Counts {
	now := Counted()
	return Counts{now.Reads - c.Reads, now.Late - c.Late, now.Uploads - c.Uploads}
}

// Forbid turns each read that the host waits for into an error that names its place in the program, until the returned
// function is called.
func Forbid() (allow func()) {
	C.standin_forbid(1)
	return func() { C.standin_forbid(0) }
}

// standinPlace writes the place in this module that called LibTorch.
//
//export standinPlace
func standinPlace(out *C.char, n C.int) {
	text := unsafe.Slice((*byte)(unsafe.Pointer(out)), int(n))
	copy(text[:len(text)-1], called())
}

func called() string {
	const module = "github.com/icl-msr/icl-msr/"
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	var places []string
	for more := true; more && len(places) < 3; {
		var f runtime.Frame
		f, more = frames.Next()
		if name, ok := strings.CutPrefix(f.Function, module); ok && !strings.HasPrefix(name, "internal/") &&
			!strings.HasPrefix(name, "torch.") {
			places = append(places, fmt.Sprintf("%s (%s:%d)", name, path.Base(f.File), f.Line))
		}
	}
	if len(places) == 0 {
		return "a thread of LibTorch's own, in a backward pass"
	}
	return strings.Join(places, ", from ")
}
