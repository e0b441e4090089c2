// Command python_checkpoint prints the features of pictures by a ResNet that
// PyTorch saved: a state dict or a checkpoint of MoCo, SimCLR, DINO, lightly and
// others, in .pt, .pth, .ckpt or .safetensors. No code in the file is run.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/torchscript"
	"github.com/icl-msr/icl-msr/transforms"
)

// dtypes are the numbers that such files have.
var dtypes = map[string]torch.DType{"F16": torch.F16, "BF16": torch.BF16, "F32": torch.F32, "F64": torch.F64, "I64": torch.I64}

// load reads the backbone's parameters and running statistics, whatever stands
// before their names in the file.
func load(s *torch.Scope, path string, net nets.Network) (p, b []torch.Tensor, err error) {
	file, err := torchscript.OpenWeights(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	layout, err := torchscript.Recognise(file, "")
	if err != nil {
		return nil, nil, err
	}
	var wanted []torchscript.Wanted
	for _, spec := range append(net.Params()[:len(net.Params()):len(net.Params())], net.Buffers()...) {
		counter := strings.HasSuffix(spec.Name, "num_batches_tracked")
		wanted = append(wanted, torchscript.Wanted{Name: spec.Name, Shape: spec.Shape, Integer: counter, Counter: counter})
	}
	match, err := torchscript.Compare(file, layout, wanted)
	if err != nil {
		return nil, nil, err
	}
	if wrong := append(match.Missing, append(match.WrongShape, match.Unexpected...)...); len(wrong) > 0 {
		return nil, nil, fmt.Errorf("%s (%s) is not this network: %s", path, layout, wrong[0])
	}
	p, b = nets.Initialize(s, net.Params(), torch.Float32()), nets.Initialize(s, net.Buffers(), torch.Float32())
	for i, to := range append(p[:len(p):len(p)], b...) {
		if stored, ok := match.Found[wanted[i].Name]; ok { // counters may be absent
			t, err := file.Read(stored)
			if err != nil {
				return nil, nil, err
			}
			s.Copy(to, s.FromBytes(t.Data, torch.Options{DType: dtypes[t.DType], Device: torch.CPU()}, t.Shape...))
		}
	}
	fmt.Printf("%s: %s, %d tensors\n", path, layout, len(match.Found))
	return p, b, s.Err()
}

func run(s *torch.Scope, checkpoint, arch, stem string, width float64, size int, paths []string) error {
	net, err := nets.NewBackbone(arch, nets.Stem(stem), width)
	if err != nil {
		return err
	}
	p, b, err := load(s, checkpoint, net)
	if err != nil {
		return err
	}
	pictures, err := datasets.Pictures(paths)
	if err != nil {
		return err
	}
	plain, x := transforms.CIFAR().WithSize(size).Plain, make([]float32, 3*size*size)
	for i := range pictures.Len() {
		m, err := pictures.Image(i)
		if err == nil {
			err = plain.Apply(x, transforms.Whole(m), nil, &transforms.Scratch{})
		}
		if err != nil {
			return err
		}
		h := net.Forward(s, p, b, torch.FromSlice(s, x, torch.CPU(), 1, 3, int64(size), int64(size)), nets.Eval())
		fmt.Printf("%s %.6f\n", datasets.PictureName(pictures, i), torch.Slice[float32](s, h))
	}
	return s.Err()
}

func main() {
	checkpoint, arch, stem := flag.String("checkpoint", "", "file"), flag.String("arch", "resnet18", "of the network"), flag.String("stem", "cifar", "or stl, imagenet")
	width, size := flag.Float64("width", 1, "factor of the network's channels"), flag.Int("size", 32, "side of a picture")
	flag.Parse()
	defer torch.SetGrad(false)()
	if err := torch.With(func(s *torch.Scope) error { return run(s, *checkpoint, *arch, *stem, *width, *size, flag.Args()) }); err != nil {
		fmt.Fprintln(os.Stderr, "python_checkpoint:", err)
		os.Exit(1)
	}
}
