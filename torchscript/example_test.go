package torchscript_test

import (
	"bytes"
	"fmt"

	"github.com/icl-msr/icl-msr/torchscript"
)

func ExampleParseSafetensors() {
	var file bytes.Buffer
	err := torchscript.WriteSafetensors(&file, []torchscript.Tensor{
		{Name: "conv1.weight", DType: "U8", Shape: []int64{2, 2}, Data: []byte{1, 2, 3, 4}},
	}, map[string]string{"arch": "tiny"})
	if err != nil {
		fmt.Println(err)
		return
	}
	tensors, metadata, err := torchscript.ParseSafetensors(file.Bytes())
	fmt.Println(tensors[0].Name, tensors[0].Shape, tensors[0].Data, metadata["arch"], err)
	_, _, err = torchscript.ParseSafetensors(file.Bytes()[:file.Len()-1])
	fmt.Println(err)
	// Output:
	// conv1.weight [2 2] [1 2 3 4] tiny <nil>
	// safetensors: tensor "conv1.weight" at offset 112 to 116; the file ends at 115: truncated
}
