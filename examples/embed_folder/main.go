// Command embed_folder computes the features of a folder of pictures by the backbone of a
// checkpoint. It writes them as NumPy's .npy: a row for each picture, in the order of paths.
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

// backbone is the network of a checkpoint of `run pretrain` with its tensors.
type backbone struct {
	*nets.ResNet
	params, buffers []torch.Tensor
	size            int // side of the pictures it was trained on, in pixels
}

func readBackbone(s *torch.Scope, path string) (*backbone, error) {
	stored, metadata, err := torchscript.ReadSafetensorsFile(path)
	if err != nil {
		return nil, err
	}
	var config struct { // these keys of config.yaml are enough
		Arch, Stem string
		Width      float64
		Size       int
	}
	if err := yaml.Unmarshal([]byte(metadata["config"]), &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	net, err := nets.NewBackbone(config.Arch, nets.Stem(config.Stem), config.Width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	params, err := readTensors(s, stored, net.Params())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	buffers, err := readTensors(s, stored, net.Buffers())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &backbone{net, params, buffers, config.Size}, nil
}

// readTensors finds each tensor by its name in the checkpoint.
func readTensors(s *torch.Scope, stored []torchscript.Tensor, specs []nets.Spec) ([]torch.Tensor, error) {
	var out []torch.Tensor
	for _, spec := range specs {
		t, ok := torchscript.Find(stored, "backbone."+spec.Name)
		if !ok {
			return nil, fmt.Errorf("no tensor backbone.%s", spec.Name)
		}
		options := torch.Float32()
		if t.DType == "I64" { // the counters of batch norms
			options.DType = torch.I64
		}
		out = append(out, s.FromBytes(t.Data, options, spec.Shape...))
	}
	return out, s.Err()
}

// embed returns the features of all pictures, [pictures, features].
func (b *backbone) embed(ctx context.Context, s *torch.Scope, folder string) (torch.Tensor, error) {
	pictures, err := datasets.Open(datasets.Options{Name: "unlabelled", Dir: folder, Train: true})
	if err != nil {
		return torch.Tensor{}, err
	}
	plain := transforms.CIFAR().WithSize(b.size).Plain
	loader, err := datasets.NewLoader(pictures, datasets.LoaderOptions{BatchSize: 64, Plain: &plain})
	if err != nil {
		return torch.Tensor{}, err
	}
	var rows []torch.Tensor
	for batch, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return torch.Tensor{}, err
		}
		x := torch.FromSlice(s, batch.Plain, torch.CPU(), int64(batch.N), 3, int64(b.size), int64(b.size))
		rows = append(rows, b.Forward(s, b.params, b.buffers, x, nets.Eval()))
	}
	return s.Cat(0, rows...), s.Err()
}

func writeNPY(path string, shape []int64, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(torchscript.WriteNPY(f, "<f4", shape, data), f.Close())
}

func run(ctx context.Context, checkpoint, folder, out string) error {
	defer torch.SetGrad(false)()
	return torch.With(func(s *torch.Scope) error {
		b, err := readBackbone(s, checkpoint)
		if err != nil {
			return err
		}
		features, err := b.embed(ctx, s, folder)
		if err != nil {
			return err
		}
		shape, data := s.Shape(features), s.Bytes(features)
		if err := s.Err(); err != nil {
			return err
		}
		if err := writeNPY(out, shape, data); err != nil {
			return err
		}
		fmt.Printf("%d pictures, %d features each: %s\n", shape[0], shape[1], out)
		return nil
	})
}

func main() {
	checkpoint := flag.String("checkpoint", "", "checkpoint of run pretrain")
	folder := flag.String("pictures", ".", "folder with pictures at any depth")
	out := flag.String("out", "features.npy", "file to write")
	flag.Parse()
	if err := run(context.Background(), *checkpoint, *folder, *out); err != nil {
		fmt.Fprintln(os.Stderr, "embed_folder:", err)
		os.Exit(1)
	}
}
