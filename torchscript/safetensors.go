// Package torchscript reads and writes the files of PyTorch's users. It reads safetensors, the format of this program's
// checkpoints, and the files of torch.save. It writes safetensors, state dicts, TorchScript and ONNX.
//
// Pickles are read as data: none of their calls is made, and none of their classes is looked for (internal/pickle). An
// object that is no tensor, number, text or container stays a name. Beside the wanted tensors it is ignored, as a
// Lightning checkpoint's callbacks and hyper-parameters are. Among them it is an error that names it. A file that names
// a function that runs code, as os.system, is refused.
//
// github.com/nlpodyssey/safetensors is not used. Of two tensors of one name it takes the last without an error, its
// errors name neither file nor offset, it reads the whole file before it checks the header, and it changes the order of
// tensors.
package torchscript

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
)

// Tensor is a named array of little-endian numbers, row-major.
type Tensor struct {
	Name  string
	DType string // safetensors' names: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL
	Shape []int64
	Data  []byte
}

// bytesOf returns the number of bytes of an array.
func bytesOf(dtype string, shape []int64) (int64, error) {
	n, ok := dtypeSize(dtype)
	if !ok {
		return 0, fmt.Errorf("unknown dtype %q", dtype)
	}
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt64/d {
			return 0, fmt.Errorf("shape %v", shape)
		}
		n *= d
	}
	return n, nil
}

type header struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// maxHeader is the format's own limit.
const maxHeader = 100_000_000

// metadataKey is the header's entry that is not a tensor.
const metadataKey = "__metadata__"

// WriteSafetensors writes tensors, in this order, and metadata. Python's safetensors reads them.
func WriteSafetensors(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(metadata) > 0 {
		m, err := json.Marshal(metadata)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q:%s,", metadataKey, m)
	}
	at, seen := int64(0), map[string]bool{metadataKey: true}
	for _, t := range tensors {
		if seen[t.Name] {
			return fmt.Errorf("safetensors: two tensors named %q", t.Name)
		}
		seen[t.Name] = true
		if !utf8.ValidString(t.Name) { // JSON would replace invalid bytes, and two names could become one
			return fmt.Errorf("safetensors: tensor name %q is not UTF-8", t.Name)
		}
		size, err := bytesOf(t.DType, t.Shape)
		if err != nil || size != int64(len(t.Data)) {
			return fmt.Errorf("safetensors: %s: %s of shape %v with %d bytes", t.Name, t.DType, t.Shape, len(t.Data))
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return err
		}
		h, err := json.Marshal(header{t.DType, append([]int64{}, t.Shape...), [2]int64{at, at + size}})
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s:%s,", name, h)
		at += size
	}
	if b.Len() > 1 {
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeader {
		return fmt.Errorf("safetensors: header of %d bytes, the format allows %d", b.Len(), maxHeader)
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(b.Len())); err != nil {
		return err
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// WriteSafetensorsFile is WriteSafetensors to a file. It writes a temporary file, syncs it and renames it to path.
func WriteSafetensorsFile(path string, tensors []Tensor, metadata map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return WriteSafetensors(w, tensors, metadata) })
}

// Find returns the tensor of that name.
func Find(tensors []Tensor, name string) (Tensor, bool) {
	i := slices.IndexFunc(tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return tensors[i], true
}
