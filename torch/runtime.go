package torch

// #include <stdlib.h>
// #include "internal/shim/shim.h"
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/sugarme/gotch"
)

// ManualSeed seeds the generators of all devices.
func ManualSeed(seed uint64) error {
	return toError(C.icl_manual_seed(C.uint64_t(seed)), "manual seed")
}

// RNGState returns the state of the device's generator, for SetRNGState.
func RNGState(device gotch.Device) (state []byte, err error) {
	err = With(func(s *Scope) error {
		state = s.Bytes(s.op("rng state", func(out *C.icl_tensor) C.icl_error {
			return C.icl_rng_state(out, deviceIndex(device))
		}))
		return s.Err()
	})
	return state, err
}

// SetRNGState puts the device's generator into a state that RNGState returned.
func SetRNGState(device gotch.Device, state []byte) error {
	return With(func(s *Scope) error {
		t := FromSlice(s, state, gotch.CPU, int64(len(state)))
		s.do("set rng state", func() C.icl_error { return C.icl_set_rng_state(t.c, deviceIndex(device)) })
		return s.Err()
	})
}

// Generator is the state of a device's random numbers at one time.
type Generator struct {
	device gotch.Device
	state  []byte
}

// Generator returns the state of the device's random numbers.
func (s *Scope) Generator(device gotch.Device) Generator {
	if s.err != nil {
		return Generator{}
	}
	state, err := RNGState(device)
	if err != nil {
		s.Fail(err)
	}
	return Generator{device, state}
}

// Restore resets the device's random numbers to this state.
func (g Generator) Restore(s *Scope) {
	if s.err == nil {
		s.err = SetRNGState(g.device, g.state)
	}
}

// SetThreads sets the number of threads that an operation on the CPU uses. Call it on the OS thread that will call
// LibTorch.
func SetThreads(n int) error {
	if n < 1 {
		return fmt.Errorf("torch: %d threads, want 1 or more", n)
	}
	return toError(C.icl_set_threads(C.int(n)), "set threads")
}

// KeepMemory makes this process keep the memory that a step frees for the next step. By default glibc returns large
// blocks to the system each time and gets them zeroed again, which takes an eighth of a small network's step. Without
// glibc KeepMemory does nothing.
func KeepMemory() { C.icl_keep_memory() }

// ReturnMemory ends KeepMemory for large blocks. Kept memory is fragmented, and large tensors cannot use all of it.
func ReturnMemory() { C.icl_return_memory() }

// Threads returns the number of threads that an operation on the CPU uses.
func Threads() int { return int(C.icl_threads()) }

// Version returns the version of LibTorch that the program was compiled with, as "2.1.0".
func Version() string { return C.GoString(C.icl_version()) }

// Build returns LibTorch's description of its build, in several lines.
func Build() (string, error) {
	var out *C.char
	if err := toError(C.icl_config(&out), "build"); err != nil {
		return "", err
	}
	defer C.free(unsafe.Pointer(out))
	return C.GoString(out), nil
}
