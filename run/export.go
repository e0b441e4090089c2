package main

import (
	"context"
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/train"
)

func exportNetwork(_ context.Context, p program, args []string) error {
	var o train.ExportOptions
	f := flags(p, "export", "--run DIR | --checkpoint FILE --out FILE [flags]")
	run := f.String("run", "", "run folder, of which the newest checkpoint is used")
	file := f.String("checkpoint", "", "checkpoint file")
	f.StringVar(&o.Out, "out", "", "the file to write")
	f.StringVar(&o.What, "what", "backbone", "backbone, backbone+projector or f_msr (picture to weights [N, n, c])")
	f.StringVar(&o.Format, "format", "",
		"pt (a state dict for torch.load), safetensors, torchscript (for torch.jit.load) or onnx (default: by the ending "+
			"of --out: .pt .pth, .safetensors, .ts .torchscript, .onnx)")
	f.StringVar(&o.FC, "fc", "none",
		"pt and safetensors, backbone: none (for a torchvision network whose fc is nn.Identity()), or zeros (fc.weight "+
			"and fc.bias for 1000 classes, all zero, so that an unchanged torchvision network loads the file strictly)")
	f.BoolVar(&o.Preprocess, "preprocess", false,
		"torchscript: take uint8 pictures of any size, or floating-point ones from 0 to 1, and resize, crop and normalise "+
			"them as this run's evaluation does")
	f.BoolVar(&o.Force, "force", false, "overwrite an existing file")
	if err := parse(f, args); err != nil {
		return err
	}
	if err := o.Settle(); err != nil {
		return err
	}
	if err := o.Check(*file); err != nil {
		return err
	}
	k, err := pick(*run, *file)
	if err != nil {
		return err
	}
	part, err := k.Export(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: %s of %s after %d epochs, %.2f M parameters, as %s\n%s", o.Out, o.What, k.Path,
		k.Position.Epoch, float64(nets.Count(part.Net.Params()))/1e6, o.Format, k.Config.LoadingHint(o))
	return nil
}
