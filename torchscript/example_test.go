package torchscript_test

import (
	"bytes"
	"fmt"

	"github.com/icl-msr/icl-msr/torchscript"
)

func ExampleOpenWeights() {
	w, err := torchscript.OpenWeights("testdata/lightning.ckpt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Close()
	for _, group := range w.Groups {
		for _, stored := range group.Tensors {
			t, err := w.Read(stored)
			fmt.Println(w.Format, group.Path, t.Name, t.DType, t.Shape, t.Data, err)
		}
	}
	// Output:
	// PyTorch state_dict weight F32 [2] [0 0 128 63 0 0 0 64] <nil>
}

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
