package losses_test

import (
	"fmt"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

// The lines that README.md shows (examples/readme_test.go compares them).
func Example_library() {
	err := torch.With(func(s *torch.Scope) error { // frees all its tensors at the end
		z1 := torch.FromSlice(s, []float32{1, 0, 0, 1}, torch.CPU(), 2, 2) // your embeddings [pictures, d]
		z := s.Leaves([]torch.Tensor{z1, s.MulScalar(z1, 2)})              // of both views
		a := s.Full(1, torch.Float32(), 2, 6, 2)                           // f_msr's weights [pictures, n, d]
		pair := losses.NewPair(z[0], z[1])
		total := s.Add(losses.NTXent(s, pair, 0.5), losses.Do(s, pair, a, 0.5)) // L_ct + L_msr
		g := s.Grad([]torch.Tensor{total}, z, torch.GradOptions{})
		fmt.Printf("%.4f %v\n", s.Item(total), s.Shape(g[0]))
		return s.Err() // the first error of all operations
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: 0.4791 [2 2]
}
