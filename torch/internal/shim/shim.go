// Package shim compiles the C++ beside it into the program. It has no Go
// interface: package libtorch declares and calls its C functions. It is a
// package of its own so that editing Go does not compile C++ again.
package shim

// #cgo CXXFLAGS: -std=c++17 -Wall -Wno-sign-compare -Wno-maybe-uninitialized
// #cgo LDFLAGS: -lc10 -ltorch_cpu -lstdc++
import "C"
