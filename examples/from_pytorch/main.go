// Command from_pytorch starts from a checkpoint that a Python program wrote
// (torch.save or safetensors, laid out as torchvision, MoCo, SimCLR, lightly and
// others do) and prints the features of a gray picture. No code in the file is
// run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/tensors"
	"github.com/icl-msr/icl-msr/torchscript"
)

// read fills the tensors that specs describe from the file, into s.
func read(s *tensors.Scope, w *torchscript.Weights, found map[string]torchscript.Stored, specs []nets.Spec) ([]tensors.Tensor, error) {
	out := nets.Initialize(s, specs, tensors.Float32()) // counters may be absent
	for i, spec := range specs {
		stored, ok := found[spec.Name]
		if !ok {
			continue
		}
		t, err := w.Read(stored)
		if err != nil {
			return nil, err
		}
		kind, ok := map[string]tensors.DType{"F32": tensors.F32, "F64": tensors.F64, "I64": tensors.I64}[t.DType]
		if !ok {
			return nil, fmt.Errorf("%s has numbers of type %s", t.Name, t.DType)
		}
		s.Copy(out[i], s.FromBytes(t.Data, tensors.Options{DType: kind, Device: tensors.CPU()}, t.Shape...))
	}
	return out, s.Err()
}

func run(file, arch, stem string, width float64) error {
	net, err := nets.NewBackbone(arch, nets.Stem(stem), width)
	if err != nil {
		return err
	}
	w, err := torchscript.OpenWeights(file)
	if err != nil {
		return err
	}
	defer w.Close()
	layout, err := torchscript.Recognise(w, "")
	if err != nil {
		return err
	}
	var wanted []torchscript.Wanted
	for _, spec := range append(net.Params(), net.Buffers()...) {
		counter := strings.HasSuffix(spec.Name, "num_batches_tracked")
		wanted = append(wanted, torchscript.Wanted{Name: spec.Name, Shape: spec.Shape, Integer: counter, Counter: counter})
	}
	match, err := torchscript.Compare(w, layout, wanted)
	if err != nil {
		return err
	}
	if len(match.Missing)+len(match.WrongShape) > 0 {
		return fmt.Errorf("%s: %s: missing %v, of another shape %v", file, layout, match.Missing, match.WrongShape)
	}
	fmt.Printf("%s: %d tensors\n", layout, len(match.Found))
	defer tensors.SetGrad(false)()
	return tensors.With(func(s *tensors.Scope) error {
		p, err := read(s, w, match.Found, net.Params())
		b, err2 := read(s, w, match.Found, net.Buffers())
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		features := net.Forward(s, p, b, s.Zeros(tensors.Float32(), 1, 3, 32, 32), nets.Eval())
		fmt.Println(s.Size(features, 1), "features, their mean", s.Item(s.Mean(features)))
		return s.Err()
	})
}

func main() {
	file, arch := flag.String("file", "", "checkpoint"), flag.String("arch", "resnet18", "resnet18, resnet50 and so on")
	stem, width := flag.String("stem", "imagenet", "first layers: imagenet or cifar"), flag.Float64("width", 1, "width factor")
	flag.Parse()
	if err := run(*file, *arch, *stem, *width); err != nil {
		fmt.Fprintln(os.Stderr, "from_pytorch:", err)
		os.Exit(1)
	}
}
