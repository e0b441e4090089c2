package transforms_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/transforms"
)

// Apply makes a view [3, 32, 32] of a picture. The same state of the generator gives the same view.
func ExamplePipeline_Apply() {
	picture := transforms.NewImage(48, 40)
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i)
	}
	view, again := make([]float32, 3*32*32), make([]float32, 3*32*32)
	augment := transforms.CIFAR().View
	var scratch transforms.Scratch
	for _, dst := range [][]float32{view, again} {
		if err := augment.Apply(dst, transforms.Whole(picture), rand.New(rand.NewPCG(1, 2)), &scratch); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(len(view), view[17] == again[17])
	// Output: 3072 true
}
