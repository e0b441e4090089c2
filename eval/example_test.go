package eval_test

import (
	"context"
	"fmt"

	"github.com/icl-msr/icl-msr/eval"
	"github.com/icl-msr/icl-msr/torch"
)

func ExampleFitLinear() {
	s := torch.NewScope()
	defer s.Close()
	train, test := blobs(s, 300, 3, 1), blobs(s, 90, 3, 2)
	c := eval.DefaultLinear()
	c.BatchSize = 50
	probe, err := eval.FitLinear(context.Background(), s, train, c)
	if err != nil {
		fmt.Println(err)
		return
	}
	linear, err := probe.Score(s, test)
	if err != nil {
		fmt.Println(err)
		return
	}
	knn, err := eval.KNN(test, train, eval.DefaultKNN())
	fmt.Printf("linear %.2f, 5-NN %.2f, %v\n", linear.Top1, knn, err)
	// Output: linear 0.99, 5-NN 0.99, <nil>
}
