package nets_test

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// A network holds no tensor. It is a function of parameters and buffers.
func ExampleNewBackbone() {
	net, err := nets.NewBackbone("resnet18", nets.StemCIFAR, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := torch.NewScope()
	defer s.Close()
	parameters := nets.Initialize(s, net.Params(), torch.Float32())
	buffers := nets.Initialize(s, net.Buffers(), torch.Float32())
	pictures := s.Normal(0, 1, torch.Float32(), 2, 3, 32, 32)
	features := net.Forward(s, parameters, buffers, pictures, nets.Eval())
	fmt.Println(net.Params()[0].Name, nets.Count(net.Params()), s.Size(features, 0), s.Size(features, 1), s.Err())
	// Output: conv1.weight 11168832 2 512 <nil>
}

// The paper's schedule in small: two iterations of warm-up, and a drop one epoch before the end.
func ExampleSchedule() {
	c := nets.Schedule{Kind: "step", LR: 0.1, Warmup: 2, Drops: []int{1}, Gamma: 0.2, Epochs: 3, Steps: 2}
	for i := range 6 {
		fmt.Printf("%.2f ", c.At(i))
	}
	// Output: 0.05 0.10 0.10 0.10 0.02 0.02
}
