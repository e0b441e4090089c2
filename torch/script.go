package torch

// #include <stdlib.h>
// #include "internal/shim/shim.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/sugarme/gotch"
)

// Script is a TorchScript module: code, and the tensors it was saved with. It can be evaluated with other tensors and
// does not change. Several goroutines may use it at once.
type Script struct {
	c                   C.icl_module
	Parameters, Buffers []string // names, in the order Run takes the tensors
	// The number of batch norms that always use the statistics of the batch, and of those that always use the running
	// ones: torch.jit.trace writes that into the code.
	AlwaysBatch, AlwaysRunning int
}

// LoadScript reads a TorchScript file, whose forward must take one tensor and return one. Its constants go to the
// device. The module is freed when nothing refers to it.
func LoadScript(path string, device gotch.Device) (*Script, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder, want a TorchScript file", path)
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	m := &Script{}
	if err := scriptError(C.icl_script_load(&m.c, name, deviceIndex(device))); err != nil {
		return nil, fmt.Errorf("%s is not a TorchScript archive (torch.jit.save writes one): %w", path, err)
	}
	runtime.AddCleanup(m, func(c C.icl_module) { C.icl_script_free(c) }, m.c)
	var batch, running C.int
	if err := scriptError(C.icl_script_check(m.c, &batch, &running)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.AlwaysBatch, m.AlwaysRunning = int(batch), int(running)
	var parameters, buffers *C.char
	if err := scriptError(C.icl_script_names(m.c, &parameters, &buffers)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.Parameters, m.Buffers = lines(parameters), lines(buffers)
	return m, nil
}

// Tensors returns the parameters and buffers of the file. They share memory with the module.
func (m *Script) Tensors(s *Scope) (parameters, buffers []Tensor) {
	defer runtime.KeepAlive(m)
	parameters, buffers = make([]Tensor, len(m.Parameters)), make([]Tensor, len(m.Buffers))
	s.do("tensors of a TorchScript module", func() C.icl_error {
		pp, np := handles(parameters)
		pb, nb := handles(buffers)
		return C.icl_script_tensors(m.c, pp, np, pb, nb)
	})
	for _, t := range append(parameters[:len(parameters):len(parameters)], buffers...) {
		s.own(t.c)
	}
	return parameters, buffers
}

// Run evaluates the module's forward with the given tensors. The result has derivatives of every kind by them: in
// reverse mode, twice in reverse mode, and in forward mode. batch is the module's training flag. With update the code
// may change the buffers; otherwise its changes are dropped.
func (s *Scope) Run(m *Script, parameters, buffers []Tensor, x Tensor, batch, update bool) Tensor {
	defer runtime.KeepAlive(m)
	return s.op("TorchScript module", func(out *C.icl_tensor) C.icl_error {
		pp, np := handles(parameters)
		pb, nb := handles(buffers)
		return C.icl_script_run(out, m.c, pp, np, pb, nb, x.c, flag(batch), flag(update))
	})
}

// ScriptTensor is a tensor of a module to be written.
type ScriptTensor struct {
	Name   string // dotted: the part before the last dot names its module
	Tensor Tensor
	Buffer bool
}

// WriteScript writes a TorchScript archive in evaluation mode: a tree of modules that hold the tensors by name, and the
// methods of its root, in TorchScript.
func WriteScript(w io.Writer, tensors []ScriptTensor, methods string) error {
	var m C.icl_module
	if err := scriptError(C.icl_script_new(&m)); err != nil {
		return err
	}
	defer C.icl_script_free(m)
	for _, t := range tensors {
		name := C.CString(t.Name)
		err := scriptError(C.icl_script_put(m, name, t.Tensor.c, flag(!t.Buffer)))
		C.free(unsafe.Pointer(name))
		if err != nil {
			return fmt.Errorf("TorchScript: %s: %w", t.Name, err)
		}
	}
	source := C.CString(methods)
	defer C.free(unsafe.Pointer(source))
	if err := scriptError(C.icl_script_define(m, source)); err != nil {
		return fmt.Errorf("TorchScript: %w", err)
	}
	return archive(w, func(data **C.char, size *C.int64_t) C.icl_error { return C.icl_script_save(m, data, size) })
}

// Write writes the module with the given tensors, in evaluation mode.
func (m *Script) Write(w io.Writer, parameters, buffers []Tensor) error {
	defer runtime.KeepAlive(m)
	pp, np := handles(parameters)
	pb, nb := handles(buffers)
	return archive(w, func(data **C.char, size *C.int64_t) C.icl_error {
		return C.icl_script_write(m.c, pp, np, pb, nb, data, size)
	})
}

// archive writes the bytes that save puts into memory.
func archive(w io.Writer, save func(data **C.char, size *C.int64_t) C.icl_error) error {
	var data *C.char
	var size C.int64_t
	if err := scriptError(save(&data, &size)); err != nil {
		return fmt.Errorf("TorchScript: %w", err)
	}
	defer C.free(unsafe.Pointer(data))
	_, err := w.Write(unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size)))
	return err
}

// lines splits a C string into lines and frees it.
func lines(c *C.char) []string {
	defer C.free(unsafe.Pointer(c))
	text := strings.TrimSuffix(C.GoString(c), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func scriptError(msg C.icl_error) error {
	if msg == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(msg))
	return errors.New(C.GoString(msg))
}
