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

// checkpointFormat marks a checkpoint: a safetensors file with the state's tensors by name. Its metadata hold the
// format, the configuration (YAML) and the position (JSON).
const checkpointFormat = "icl-msr checkpoint 1"

// DescribeTensor returns a tensor's description and the safetensors name of its dtype.
func DescribeTensor(t torch.Tensor) (torch.Description, string, error) {
	d, err := t.Describe()
	if err != nil {
		return d, "", err
	}
	kind, err := torch.ElementTypeOf(d.DType)
	return d, kind.Name, err
}

// notFinite is the error of a state that has diverged.
type notFinite struct{ error }

func (e *notFinite) Unwrap() error { return e.error }

// save writes the state to path, whole or not at all. It refuses a state with numbers that are not finite, so that the
// last good checkpoint stays.
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
	tensors, err := finiteTensors(st, at)
	if err != nil {
		return err
	}
	return torchscript.WriteSafetensorsFile(path, tensors,
		map[string]string{"format": checkpointFormat, "config": string(text), "position": string(position)})
}

// finiteTensors copies the state's tensors to the host. Numbers that are not finite are the error *notFinite.
func finiteTensors(st *meta.State, at meta.Position) (out []torchscript.Tensor, err error) {
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
			out = append(out, torchscript.Tensor{Name: t.Name, DType: name, Shape: d.Shape, Data: s.Bytes(t.Tensor)})
		}
		return s.Err()
	})
	return out, err
}

// Checkpoint is a network with its configuration: a checkpoint file of this program, or another program's network.
type Checkpoint struct {
	Path     string
	Config   Config
	Position meta.Position
	Tensors  []torchscript.Tensor
	foreign  *bool // nil: of this program; of another one: whether its line has been printed
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

// Restore copies the checkpoint into st, so that training resumes from there.
func (k Checkpoint) Restore(st *meta.State) error {
	if err := k.Fill(st.Tensors()); err != nil {
		return err
	}
	st.Restore(k.Position)
	return nil
}

// Fill copies the checkpoint's tensors into those of the same names. The error names the first one that is missing or
// has another dtype or shape.
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
