package train

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
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// FeatureFiles says where features are written: into Dir, as npy or safetensors. If Dir is empty they are not.
type FeatureFiles struct {
	Dir, Format string
	Force       bool
}

// Check returns an error for an unknown format, and for files that writing would destroy.
func (k FeatureFiles) Check() error {
	if err := choice("{train.FeatureFiles.Format}", k.Format, "npy", "safetensors"); err != nil {
		return err
	}
	if k.Dir == "" {
		return nil
	}
	if info, err := os.Stat(k.Dir); err == nil && !info.IsDir() {
		return usage.Errorf("{train.FeatureFiles.Dir} %s is a file; name a folder", k.Dir)
	}
	names, err := k.files()
	if err != nil {
		return err
	}
	for _, name := range names {
		file := outfile.File{Setting: "{train.FeatureFiles.Dir}", Path: filepath.Join(k.Dir, name), Force: k.Force}
		if err := file.Check(); err != nil {
			return err
		}
	}
	return nil
}

// files returns the names of the format's files that may be written: those of the training part, and any existing ones
// of the test part, whose variants are not known yet.
func (k FeatureFiles) files() (names []string, err error) {
	there, err := os.ReadDir(k.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := []string{"train.npy", "train.labels.npy", "train.safetensors"}
	for _, e := range there {
		if strings.HasPrefix(e.Name(), "test-") {
			all = append(all, e.Name())
		}
	}
	for _, name := range all {
		if filepath.Ext(name) == "."+k.Format {
			names = append(names, name)
		}
	}
	return names, nil
}

// write writes features [N, dim] and their labels [N]: into NAME.npy and NAME.labels.npy, or both into
// NAME.safetensors.
func (k FeatureFiles) write(s *torch.Scope, name string, f eval.Features) error {
	if k.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(k.Dir, 0o755); err != nil {
		return err
	}
	x, shape := s.Bytes(f.X), s.Shape(f.X)
	y := s.Bytes(torch.FromSlice(s, f.Labels, gotch.CPU, int64(len(f.Labels))))
	if s.Err() != nil {
		return s.Err()
	}
	if k.Format == "safetensors" {
		tensors := []torchscript.Tensor{{Name: "features", DType: "F32", Shape: shape, Data: x},
			{Name: "labels", DType: "I64", Shape: shape[:1], Data: y}}
		return torchscript.WriteSafetensorsFile(filepath.Join(k.Dir, name+".safetensors"), tensors, nil)
	}
	array := func(file, dtype string, shape []int64, data []byte) error {
		return atomicfile.Write(filepath.Join(k.Dir, file),
			func(w io.Writer) error { return torchscript.WriteNPY(w, dtype, shape, data) })
	}
	return errors.Join(array(name+".npy", "<f4", shape, x), array(name+".labels.npy", "<i8", shape[:1], y))
}
