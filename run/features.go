package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// keepFeatures writes features [N, dim] and their labels as NumPy arrays into
// dir; an empty dir keeps nothing.
func keepFeatures(s *libtorch.Scope, dir, name string, f eval.Features) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	rows := s.Bytes(f.X)
	shape := s.Shape(f.X)
	labels := libtorch.FromSlice(s, f.Labels, s.Like(f.X).Device, int64(len(f.Labels)))
	numbers := s.Bytes(labels)
	if s.Err() != nil {
		return s.Err()
	}
	for _, a := range []struct {
		file, dtype string
		shape       []int64
		data        []byte
	}{{name + ".npy", "<f4", shape, rows}, {name + ".labels.npy", "<i8", shape[:1], numbers}} {
		err := atomicfile.Write(filepath.Join(dir, a.file), func(w io.Writer) error { return torchscript.WriteNPY(w, a.dtype, a.shape, a.data) })
		if err != nil {
			return err
		}
	}
	return nil
}
