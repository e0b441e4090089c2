package methods_test

import (
	"fmt"

	"github.com/icl-msr/icl-msr/methods"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
)

func ExampleNew() {
	method, err := methods.New("byol", methods.Config{Temperature: 0.5, Hidden: 1024, Dim: 64})
	if err != nil {
		fmt.Println(err)
		return
	}
	backbone, err := nets.NewBackbone("resnet18", nets.StemCIFAR, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := model.New(method, backbone)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Parts(), nets.Count(m.Params()))
	// Output: [backbone projector predictor target] 11896000
}
