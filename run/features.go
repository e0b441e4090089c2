package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// kept says where features go: into dir, if that is not empty, as npy or
// safetensors.
type kept struct {
	dir, format string
	force       bool
}

// check refuses, before anything is done, formats that are none and places where
// something would be lost.
func (k kept) check() error {
	if k.format != "npy" && k.format != "safetensors" {
		return wrongUse(suggest.Unknown("--features-format", k.format, []string{"npy", "safetensors"}))
	}
	if k.dir == "" {
		return nil
	}
	if info, err := os.Stat(k.dir); err == nil && !info.IsDir() {
		return usagef("--save-features %s is a file; name a folder", k.dir)
	}
	names := []string{"train.npy", "train.labels.npy", "train.safetensors"}
	there, err := os.ReadDir(k.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range there {
		if strings.HasPrefix(e.Name(), "test-") {
			names = append(names, e.Name())
		}
	}
	for _, name := range names {
		if filepath.Ext(name) != "."+k.format {
			continue
		}
		if err := (output{flag: "--save-features", path: filepath.Join(k.dir, name), force: k.force}).check(); err != nil {
			return err
		}
	}
	return nil
}

// write writes features [N, dim] and their labels [N]: NAME.npy and
// NAME.labels.npy, or both in NAME.safetensors.
func (k kept) write(s *torch.Scope, name string, f eval.Features) error {
	if k.dir == "" {
		return nil
	}
	if err := os.MkdirAll(k.dir, 0o755); err != nil {
		return err
	}
	x, shape := s.Bytes(f.X), s.Shape(f.X)
	y := s.Bytes(torch.FromSlice(s, f.Labels, gotch.CPU, int64(len(f.Labels))))
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
