// Command python_checkpoint prints the features of pictures by a ResNet that PyTorch saved. It
// reads a state dict or a checkpoint of MoCo, SimCLR, DINO, lightly and others, in .pt, .pth, .ckpt
// or .safetensors. No code in the file is run.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/transforms"
)

type options struct {
	checkpoint string
	arch, stem string
	width      float64
	size       int // side of a picture in pixels
	pictures   []string
}

// wanted lists the tensors that a network needs. The counters of batch norms may be absent.
func wanted(specs []nets.Spec) []torchscript.Wanted {
	var out []torchscript.Wanted
	for _, spec := range specs {
		counter := strings.HasSuffix(spec.Name, "num_batches_tracked")
		out = append(out, torchscript.Wanted{
			Name:    spec.Name,
			Shape:   spec.Shape,
			Integer: counter,
			Counter: counter,
		})
	}
	return out
}

// load reads the parameters and buffers of net, whatever prefix their names have in the file.
func load(s *torch.Scope, path string, net nets.Network) (params, buffers []torch.Tensor, err error) {
	file, err := torchscript.OpenWeights(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	layout, err := torchscript.Recognise(file, "")
	if err != nil {
		return nil, nil, err
	}
	specs := slices.Concat(net.Params(), net.Buffers())
	match, err := torchscript.Compare(file, layout, wanted(specs))
	if err != nil {
		return nil, nil, err
	}
	wrong := slices.Concat(match.Missing, match.WrongShape, match.Unexpected)
	if len(wrong) > 0 {
		return nil, nil, fmt.Errorf("%s (%s) is not this network: %s", path, layout, wrong[0])
	}
	params = nets.Initialize(s, net.Params(), torch.Float32())
	buffers = nets.Initialize(s, net.Buffers(), torch.Float32())
	for i, destination := range slices.Concat(params, buffers) {
		stored, ok := match.Found[specs[i].Name]
		if !ok {
			continue
		}
		t, err := file.Read(stored)
		if err != nil {
			return nil, nil, err
		}
		kind, err := torch.ElementTypeNamed(t.DType)
		if err != nil {
			return nil, nil, err
		}
		as := torch.Options{DType: kind.DType, Device: torch.CPU()}
		s.Copy(destination, s.FromBytes(t.Data, as, t.Shape...))
	}
	fmt.Printf("%s: %s, %d tensors\n", path, layout, len(match.Found))
	return params, buffers, s.Err()
}

func run(s *torch.Scope, o options) error {
	net, err := nets.NewBackbone(o.arch, nets.Stem(o.stem), o.width)
	if err != nil {
		return err
	}
	params, buffers, err := load(s, o.checkpoint, net)
	if err != nil {
		return err
	}
	pictures, err := datasets.Pictures(o.pictures)
	if err != nil {
		return err
	}
	plain := transforms.CIFAR().WithSize(o.size).Plain
	values := make([]float32, 3*o.size*o.size)
	var scratch transforms.Scratch
	for i := range pictures.Len() {
		picture, err := pictures.Image(i)
		if err != nil {
			return err
		}
		if err := plain.Apply(values, transforms.Whole(picture), nil, &scratch); err != nil {
			return err
		}
		x := torch.FromSlice(s, values, torch.CPU(), 1, 3, int64(o.size), int64(o.size))
		features := net.Forward(s, params, buffers, x, nets.Eval())
		fmt.Printf("%s %.6f\n", datasets.PictureName(pictures, i), torch.Slice[float32](s, features))
	}
	return s.Err()
}

func main() {
	var o options
	flag.StringVar(&o.checkpoint, "checkpoint", "", "file that PyTorch saved")
	flag.StringVar(&o.arch, "arch", "resnet18", "architecture of the network")
	flag.StringVar(&o.stem, "stem", "cifar", "first layers of the network: cifar, stl or imagenet")
	flag.Float64Var(&o.width, "width", 1, "width factor of the network")
	flag.IntVar(&o.size, "size", 32, "side of a picture in pixels")
	flag.Parse()
	o.pictures = flag.Args()
	defer torch.SetGrad(false)()
	if err := torch.With(func(s *torch.Scope) error { return run(s, o) }); err != nil {
		fmt.Fprintln(os.Stderr, "python_checkpoint:", err)
		os.Exit(1)
	}
}
