package torch

// #include <stdlib.h>
// #include "internal/shim/shim.h"
import "C"

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// Store is a connection to c10d's key-value store (TCPStore), by which the processes of a job find each other. An
// operation that waits blocks other users of the connection, so a goroutine that must not wait needs a connection of
// its own.
type Store struct{ c C.icl_store }

// Serve serves a store on a bound listener, which it takes over, and connects to it. The store listens on the
// listener's address only.
func Serve(l *net.TCPListener, timeout time.Duration) (*Store, error) {
	defer l.Close()
	f, err := l.File() // a copy of the descriptor
	if err != nil {
		return nil, err
	}
	at := l.Addr().(*net.TCPAddr)
	fd, err := duplicate(f)
	if err != nil {
		return nil, err
	}
	return open(at.IP.String(), at.Port, fd, timeout)
}

// Connect connects to the store that another process serves. It tries until the timeout.
func Connect(host string, port int, timeout time.Duration) (*Store, error) {
	return open(host, port, -1, timeout)
}

func open(host string, port, fd int, timeout time.Duration) (*Store, error) {
	name := C.CString(host)
	defer C.free(unsafe.Pointer(name))
	s := &Store{}
	err := toError(C.icl_store_open(&s.c, name, C.int(port), C.int(fd), milliseconds(timeout)), "store")
	if err != nil {
		return nil, err
	}
	return s, nil
}

func milliseconds(d time.Duration) C.int64_t { return C.int64_t(max(1, d.Milliseconds())) }

// Prefixed returns the same connection with a prefix before every key.
func (t *Store) Prefixed(prefix string) (*Store, error) {
	name := C.CString(prefix)
	defer C.free(unsafe.Pointer(name))
	s := &Store{}
	if err := toError(C.icl_store_prefix(&s.c, t.c, name), "store"); err != nil {
		return nil, err
	}
	return s, nil
}

// Set writes a value.
func (t *Store) Set(key string, value []byte) error {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	defer runtime.KeepAlive(value)
	return toError(C.icl_store_set(t.c, k, unsafe.Pointer(unsafe.SliceData(value)), C.int64_t(len(value))), "store set")
}

// Get reads a value. It waits for it until the timeout.
func (t *Store) Get(key string, timeout time.Duration) ([]byte, error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var data *C.char
	var n C.int64_t
	if err := toError(C.icl_store_get(&data, &n, t.c, k, milliseconds(timeout)), "store get"); err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(data))
	return C.GoBytes(unsafe.Pointer(data), C.int(n)), nil
}

// Add adds to a counter, which starts at 0, and returns it.
func (t *Store) Add(key string, delta int64) (int64, error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var out C.int64_t
	err := toError(C.icl_store_add(&out, t.c, k, C.int64_t(delta)), "store add")
	return int64(out), err
}

// Has reports whether a key was written.
func (t *Store) Has(key string) (bool, error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var out C.int
	err := toError(C.icl_store_check(&out, t.c, k), "store check")
	return out != 0, err
}

// Close ends the connection. It also ends the store if this process serves it.
func (t *Store) Close() {
	if t != nil && t.c != nil {
		C.icl_store_free(t.c)
		t.c = nil
	}
}

// duplicate returns a copy of f's descriptor for another owner, and closes f.
func duplicate(f *os.File) (int, error) {
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd())) // Fd also makes it blocking, which TCPStore needs
	if err != nil {
		return -1, os.NewSyscallError("dup", err)
	}
	syscall.CloseOnExec(fd)
	return fd, nil
}
