package losses_test

import (
	"fmt"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

// The views of two pictures agree, and the pictures are orthogonal. Each anchor has a positive at similarity 1 and two
// negatives at 0.
func ExampleNTXent() {
	s := torch.NewScope()
	defer s.Close()
	z := torch.FromSlice(s, []float64{1, 0, 0, 1}, gotch.CPU, 2, 2)
	fmt.Printf("%.4f\n", s.Item(losses.NTXent(s, losses.NewPair(z, z), 0.5)))
	// Output: 0.2395
}

// If a weight vector keeps one channel only, an anchor without that channel agrees with nothing.
func ExampleDo() {
	s := torch.NewScope()
	defer s.Close()
	z := torch.FromSlice(s, []float64{1, 0, 0, 1}, gotch.CPU, 2, 2)
	b := losses.NewPair(z, z)
	ones := s.Full(1, s.Like(z), 2, 6, 2) // [pictures, n, channels]
	first := torch.FromSlice(s, []float64{1, 0, 1, 0}, gotch.CPU, 2, 1, 2)
	all, one := s.Item(losses.Do(s, b, ones, 0.5)), s.Item(losses.Do(s, b, first, 0.5))
	fmt.Printf("all channels %.4f, the first alone %.4f\n", all, one)
	// Output: all channels 0.2395, the first alone 0.6691
}
