// Command embed_folder writes the features of a folder of pictures as NumPy's
// .npy, by the backbone of a checkpoint: a row for each, in the order of paths.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/transforms"
)

// backbone reads a network of `run pretrain`, its parameters and running
// statistics, and the side of its pictures.
func backbone(s *torch.Scope, path string) (net nets.Encoder, p, b []torch.Tensor, side int, err error) {
	stored, metadata, err := torchscript.ReadSafetensorsFile(path)
	if err != nil {
		return nil, nil, nil, 0, err
	}
	c := struct { // of the configuration, whose keys are the flags' names
		Arch, Stem string
		Width      float64
		Size       int
	}{}
	if err = yaml.Unmarshal([]byte(metadata["config"]), &c); err == nil {
		net, err = nets.NewBackbone(c.Arch, nets.Stem(c.Stem), c.Width)
	}
	if err != nil {
		return nil, nil, nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	read := func(specs []nets.Spec) (out []torch.Tensor) {
		for _, spec := range specs {
			t, ok := torchscript.Find(stored, "backbone."+spec.Name)
			if !ok {
				s.Fail(fmt.Errorf("%s: no tensor backbone.%s", path, spec.Name))
			}
			o := torch.Float32()
			if t.DType == "I64" { // batch norm's counters
				o.DType = torch.I64
			}
			out = append(out, s.FromBytes(t.Data, o, spec.Shape...))
		}
		return out
	}
	p, b = read(net.Params()), read(net.Buffers())
	return net, p, b, c.Size, s.Err()
}

func run(ctx context.Context, checkpoint, folder, out string) error {
	defer torch.SetGrad(false)()
	return torch.With(func(s *torch.Scope) error {
		net, p, b, side, err := backbone(s, checkpoint)
		if err != nil {
			return err
		}
		pictures, err := datasets.Open(datasets.Options{Name: "unlabelled", Dir: folder, Train: true})
		if err != nil {
			return err
		}
		plain := transforms.CIFAR().WithSize(side).Plain
		loader, err := datasets.NewLoader(pictures, datasets.LoaderOptions{BatchSize: 64, Plain: &plain})
		if err != nil {
			return err
		}
		var rows []torch.Tensor
		for batch, err := range loader.Epoch(ctx, 0, 0) {
			if err != nil {
				return err
			}
			x := torch.FromSlice(s, batch.Plain, torch.CPU(), int64(batch.N), 3, int64(side), int64(side))
			rows = append(rows, net.Forward(s, p, b, x, nets.Eval()))
		}
		features := s.Cat(0, rows...)
		shape, data := s.Shape(features), s.Bytes(features)
		f, err := os.Create(out)
		if err := errors.Join(s.Err(), err); err != nil {
			return err
		}
		fmt.Printf("%d pictures, %d features each: %s\n", shape[0], shape[1], out)
		return errors.Join(torchscript.WriteNPY(f, "<f4", shape, data), f.Close())
	})
}

func main() {
	checkpoint, folder, out := flag.String("checkpoint", "", "of run pretrain"), flag.String("pictures", ".", "folder, at any depth"), flag.String("out", "features.npy", "file to write")
	flag.Parse()
	if err := run(context.Background(), *checkpoint, *folder, *out); err != nil {
		fmt.Fprintln(os.Stderr, "embed_folder:", err)
		os.Exit(1)
	}
}
