package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// A checkpoint is a safetensors file: the state's tensors by name, and in its
// metadata the format, the configuration (YAML) and the position (JSON).
const checkpointFormat = "icl-msr checkpoint 1"

// DescribeTensor returns what a tensor is, and safetensors' name of its dtype.
func DescribeTensor(t torch.Tensor) (torch.Description, string, error) {
	d, err := t.Describe()
	if err != nil {
		return d, "", err
	}
	kind, err := torch.ElementTypeOf(d.DType)
	return d, kind.Name, err
}

// notFinite is the error of a state that is no use any more.
type notFinite struct{ error }

func (e *notFinite) Unwrap() error { return e.error }

// save writes the state to path, whole or not at all; one that is not finite never.
func save(path string, c Config, st *meta.State) error {
	text, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	at, err := st.Mark()
	if err != nil {
		return err
	}
	position, err := json.Marshal(at)
	if err != nil {
		return err
	}
	var tensors []torchscript.Tensor
	err = torch.With(func(s *torch.Scope) error {
		for _, t := range st.Tensors() {
			d, name, err := DescribeTensor(t.Tensor)
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "F") && !s.Finite(t.Tensor) && s.Err() == nil {
				return &notFinite{field.Errorf("%s has entries that are not finite at epoch %d, batch %d: not saved; "+
					"lower {nets.LR}, or {meta.Alpha} and {meta.Beta} with {train.UseMSR}", t.Name, at.Epoch, at.Batch)}
			}
			tensors = append(tensors, torchscript.Tensor{Name: t.Name, DType: name, Shape: d.Shape, Data: s.Bytes(t.Tensor)})
		}
		return s.Err()
	})
	if err != nil {
		return err
	}
	return torchscript.WriteSafetensorsFile(path, tensors,
		map[string]string{"format": checkpointFormat, "config": string(text), "position": string(position)})
}

// Checkpoint is a file read.
type Checkpoint struct {
	Path     string
	Config   Config
	Position meta.Position
	Tensors  []torchscript.Tensor
	foreign  *bool // of --init: whether its line has been printed; nil: a checkpoint of this program
}

// Load reads a checkpoint file.
func Load(path string) (Checkpoint, error) {
	k := Checkpoint{Path: path, Config: Default()}
	tensors, metadata, err := torchscript.ReadSafetensorsFile(path)
	if err != nil {
		return k, err
	}
	if metadata["format"] != checkpointFormat {
		return k, fmt.Errorf("%s: not a checkpoint of this program (format %q, want %q)", path, metadata["format"],
			checkpointFormat)
	}
	if err := k.Config.decode(bytes.NewBufferString(metadata["config"]), path); err != nil {
		return k, err
	}
	if err := json.Unmarshal([]byte(metadata["position"]), &k.Position); err != nil {
		return k, fmt.Errorf("%s: position: %w", path, err)
	}
	k.Tensors = tensors
	return k, nil
}

// Restore writes the checkpoint into a state, to go on with.
func (k Checkpoint) Restore(st *meta.State) error {
	if err := k.Fill(st.Tensors()); err != nil {
		return err
	}
	st.Restore(k.Position)
	return nil
}

// Fill writes the checkpoint into tensors, name by name.
func (k Checkpoint) Fill(into []nets.NamedTensor) error {
	return torch.With(func(s *torch.Scope) error {
		for _, t := range into {
			saved, ok := torchscript.Find(k.Tensors, t.Name)
			if !ok {
				return fmt.Errorf("%s: no tensor %s: a checkpoint of another architecture or method", k.Path, t.Name)
			}
			d, name, err := DescribeTensor(t.Tensor)
			if err != nil {
				return err
			}
			if saved.DType != name || !slices.Equal(saved.Shape, d.Shape) {
				return fmt.Errorf("%s: %s is %s %v, the network's is %s %v: a checkpoint of another architecture", k.Path, t.Name,
					saved.DType, saved.Shape, name, d.Shape)
			}
			s.Copy(t.Tensor, s.FromBytes(saved.Data, d.Options, d.Shape...))
		}
		return s.Err()
	})
}
