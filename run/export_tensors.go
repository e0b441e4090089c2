package main

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// loaded gives f the network's parameters and buffers as LibTorch's tensors.
func (e exported) loaded(f func(parameters, buffers []nets.NamedTensor) error) error {
	return torch.With(func(s *torch.Scope) error {
		var all []nets.NamedTensor
		for _, t := range e.tensors {
			all = append(all, nets.NamedTensor{Name: t.Name, Tensor: decode(s, t)})
		}
		if s.Err() != nil {
			return s.Err()
		}
		n := len(e.net.Params())
		return f(all[:n], all[n:])
	})
}

// recipe tells how the file is loaded in Python, where that is short.
func (c *config) recipe(o exportOptions) string {
	if o.Format == "torchscript" {
		return fmt.Sprintf("in Python: torch.jit.load(%q)\n", o.Out)
	}
	if o.What != "backbone" || o.Format == "onnx" || c.Width != 1 || c.Method == "cmc" || c.Arch != "resnet18" && c.Arch != "resnet34" && c.Arch != "resnet50" {
		return ""
	}
	load := fmt.Sprintf("torch.load(%q, weights_only=True)", o.Out)
	if o.Format == "safetensors" {
		load = fmt.Sprintf("safetensors.torch.load_file(%q)", o.Out)
	}
	change := ""
	if o.FC == "none" {
		change = "; m.fc = torch.nn.Identity()"
	}
	if nets.Stem(c.Stem) != nets.StemImageNet {
		change += "; m.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)"
	}
	if nets.Stem(c.Stem) == nets.StemCIFAR {
		change += "; m.maxpool = torch.nn.Identity()"
	}
	return fmt.Sprintf("in Python: m = torchvision.models.%s()%s; m.load_state_dict(%s)\n", c.Arch, change, load)
}
