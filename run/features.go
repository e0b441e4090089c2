package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/torchscript"
)

// kept says where features go: into dir, if that is not empty, as npy or
// safetensors.
type kept struct{ dir, format string }

func (k kept) check() error {
	if k.format != "npy" && k.format != "safetensors" {
		return usage{suggest.Unknown("--features-format", k.format, []string{"npy", "safetensors"})}
	}
	return nil
}

// write writes features [N, dim] and their labels [N]: NAME.npy and
// NAME.labels.npy, or both in NAME.safetensors.
func (k kept) write(s *libtorch.Scope, name string, f eval.Features) error {
	if k.dir == "" {
		return nil
	}
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return err
	}
	x, shape := s.Bytes(f.X), s.Shape(f.X)
	y := s.Bytes(libtorch.FromSlice(s, f.Labels, gotch.CPU, int64(len(f.Labels))))
	if s.Err() != nil {
		return s.Err()
	}
	if k.format == "safetensors" {
		tensors := []torchscript.Tensor{{Name: "features", DType: "F32", Shape: shape, Data: x}, {Name: "labels", DType: "I64", Shape: shape[:1], Data: y}}
		return torchscript.WriteSafetensorsFile(filepath.Join(k.dir, name+".safetensors"), tensors, nil)
	}
	array := func(file, dtype string, shape []int64, data []byte) error {
		return atomicfile.Write(filepath.Join(k.dir, file), func(w io.Writer) error { return torchscript.WriteNPY(w, dtype, shape, data) })
	}
	return errors.Join(array(name+".npy", "<f4", shape, x), array(name+".labels.npy", "<i8", shape[:1], y))
}
