package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
)

// A checkpoint is a safetensors file: the state's tensors by name, and in its
// metadata the format, the configuration (YAML) and the position (JSON).
const checkpointFormat = "icl-msr checkpoint 1"

// describe returns what a tensor is, and safetensors' name of its dtype.
func describe(t torch.Tensor) (torch.Description, string, error) {
	d, err := t.Describe()
	if err != nil {
		return d, "", err
	}
	kind, err := torch.ElementTypeOf(d.DType)
	return d, kind.Name, err
}

// notFinite is the error of a state that is no use any more.
type notFinite struct {
	tensor string
	at     meta.Position
}

func (e *notFinite) Error() string {
	return fmt.Sprintf("%s has entries that are not finite at epoch %d, batch %d: not saved; lower --lr, or --alpha and --beta with --msr", e.tensor, e.at.Epoch, e.at.Batch)
}

// save writes the state to path, whole or not at all; one that is not finite never.
func save(path string, c config, st *meta.State) error {
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
			d, name, err := describe(t.Tensor)
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "F") && !s.Finite(t.Tensor) && s.Err() == nil {
				return &notFinite{t.Name, at}
			}
			tensors = append(tensors, torchscript.Tensor{Name: t.Name, DType: name, Shape: d.Shape, Data: s.Bytes(t.Tensor)})
		}
		return s.Err()
	})
	if err != nil {
		return err
	}
	return torchscript.WriteSafetensorsFile(path, tensors, map[string]string{"format": checkpointFormat, "config": string(text), "position": string(position)})
}

// checkpoint is a file read.
type checkpoint struct {
	path     string
	config   config
	position meta.Position
	tensors  []torchscript.Tensor
	foreign  *bool // of --init: whether its line has been printed; nil: a checkpoint of this program
}

func load(path string) (checkpoint, error) {
	k := checkpoint{path: path, config: defaults()}
	tensors, metadata, err := torchscript.ReadSafetensorsFile(path)
	if err != nil {
		return k, err
	}
	if metadata["format"] != checkpointFormat {
		return k, fmt.Errorf("%s: not a checkpoint of this program (format %q, want %q)", path, metadata["format"], checkpointFormat)
	}
	if err := k.config.decode(bytes.NewBufferString(metadata["config"]), path); err != nil {
		return k, err
	}
	if err := json.Unmarshal([]byte(metadata["position"]), &k.position); err != nil {
		return k, fmt.Errorf("%s: position: %w", path, err)
	}
	k.tensors = tensors
	return k, nil
}

// restore writes the checkpoint into a state, to go on with.
func (k checkpoint) restore(st *meta.State) error {
	if err := k.fill(st.Tensors()); err != nil {
		return err
	}
	st.Restore(k.position)
	return nil
}

// fill writes the checkpoint into tensors, name by name.
func (k checkpoint) fill(into []nets.NamedTensor) error {
	return torch.With(func(s *torch.Scope) error {
		for _, t := range into {
			saved, ok := torchscript.Find(k.tensors, t.Name)
			if !ok {
				return fmt.Errorf("%s: no tensor %s: a checkpoint of another architecture or method", k.path, t.Name)
			}
			d, name, err := describe(t.Tensor)
			if err != nil {
				return err
			}
			if saved.DType != name || !slices.Equal(saved.Shape, d.Shape) {
				return fmt.Errorf("%s: %s is %s %v, the network's is %s %v: a checkpoint of another architecture", k.path, t.Name, saved.DType, saved.Shape, name, d.Shape)
			}
			s.Copy(t.Tensor, s.FromBytes(saved.Data, d.Options, d.Shape...))
		}
		return s.Err()
	})
}
