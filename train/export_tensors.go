package train

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// loaded calls f with the network's parameters and buffers as LibTorch's tensors.
func (e Exported) loaded(f func(parameters, buffers []nets.NamedTensor) error) error {
	return torch.With(func(s *torch.Scope) error {
		var all []nets.NamedTensor
		for _, t := range e.tensors {
			all = append(all, nets.NamedTensor{Name: t.Name, Tensor: DecodeTensor(s, t)})
		}
		if s.Err() != nil {
			return s.Err()
		}
		n := len(e.Net.Params())
		return f(all[:n], all[n:])
	})
}

// LoadingHint returns a line of Python that loads the file. It is empty if one line is not enough.
func (c *Config) LoadingHint(o ExportOptions) string {
	if o.Format == "torchscript" {
		return fmt.Sprintf("in Python: torch.jit.load(%q)\n", o.Out)
	}
	family, _ := nets.FamilyOf(c.Arch)
	if o.What != "backbone" || o.Format == "onnx" || c.Method == "cmc" || family.Python == nil {
		return ""
	}
	network := family.Python(nets.BackboneConfig{Arch: c.Arch, Width: c.Width, Stem: nets.Stem(c.Stem)})
	if network == "" {
		return ""
	}
	load := fmt.Sprintf("torch.load(%q, weights_only=True)", o.Out)
	if o.Format == "safetensors" {
		load = fmt.Sprintf("safetensors.torch.load_file(%q)", o.Out)
	}
	if o.FC == "none" {
		network += "; m.fc = torch.nn.Identity()"
	}
	return fmt.Sprintf("in Python: %s; m.load_state_dict(%s)\n", network, load)
}
