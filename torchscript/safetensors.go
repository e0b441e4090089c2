// Package torchscript reads and writes what PyTorch's users have. So far:
// safetensors, the format of this program's checkpoints.
package torchscript

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
)

// Tensor is a named array of little-endian numbers, row-major.
type Tensor struct {
	Name  string
	DType string // safetensors' names: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL
	Shape []int64
	Data  []byte
}

func dtypeSize(dtype string) (int64, bool) {
	switch dtype {
	case "F64", "I64":
		return 8, true
	case "F32", "I32":
		return 4, true
	case "F16", "BF16", "I16":
		return 2, true
	case "I8", "U8", "BOOL":
		return 1, true
	}
	return 0, false
}

// bytesOf returns the size of an array, or an error when it is no size.
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
const maxHeader = 100 << 20

// metadataKey names the header's entry that is no tensor.
const metadataKey = "__metadata__"

// WriteSafetensors writes tensors, in the order given, with metadata, so that
// Python's safetensors reads them.
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

// WriteSafetensorsFile replaces path whole: a temporary file, synced, renamed.
func WriteSafetensorsFile(path string, tensors []Tensor, metadata map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return WriteSafetensors(w, tensors, metadata) })
}

// ReadSafetensorsFile reads a file. Errors name it and the offset.
func ReadSafetensorsFile(path string) ([]Tensor, map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	tensors, metadata, err := ParseSafetensors(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return tensors, metadata, nil
}

// ParseSafetensors reads a whole file's bytes; the tensors share them. They come
// in the order of their data.
func ParseSafetensors(data []byte) ([]Tensor, map[string]string, error) {
	if len(data) < 8 {
		return nil, nil, fmt.Errorf("safetensors: truncated at offset %d, in the header's length", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader || n > uint64(len(data)-8) {
		return nil, nil, fmt.Errorf("safetensors: header of %d bytes at offset 8 in a file of %d: truncated, or no safetensors file", n, len(data))
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+n], &raw); err != nil {
		return nil, nil, fmt.Errorf("safetensors: header at offset 8: %w", err)
	}
	body := data[8+n:]
	var metadata map[string]string
	type placed struct {
		Tensor
		from, to int64
	}
	var found []placed
	for name, text := range raw {
		if name == metadataKey {
			if err := json.Unmarshal(text, &metadata); err != nil {
				return nil, nil, fmt.Errorf("safetensors: metadata: %w", err)
			}
			continue
		}
		var h header
		if err := json.Unmarshal(text, &h); err != nil {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		size, err := bytesOf(h.DType, h.Shape)
		if err != nil {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		from, to := h.Offsets[0], h.Offsets[1]
		if from < 0 || to < from || to > int64(len(body)) {
			return nil, nil, fmt.Errorf("safetensors: tensor %q at offset %d to %d; the file ends at %d: truncated", name, 8+int64(n)+from, 8+int64(n)+to, len(data))
		}
		if to-from != size {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: %s of shape %v in %d bytes", name, h.DType, h.Shape, to-from)
		}
		found = append(found, placed{Tensor{name, h.DType, h.Shape, body[from:to:to]}, from, to})
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].from != found[j].from {
			return found[i].from < found[j].from
		}
		return found[i].Name < found[j].Name
	})
	at := int64(0)
	tensors := make([]Tensor, len(found))
	for i, f := range found {
		if f.from != at {
			return nil, nil, fmt.Errorf("safetensors: tensor %q begins at offset %d, the one before ends at %d", f.Name, f.from, at)
		}
		at, tensors[i] = f.to, f.Tensor
	}
	if at != int64(len(body)) {
		return nil, nil, fmt.Errorf("safetensors: %d bytes after the last tensor", int64(len(body))-at)
	}
	return tensors, metadata, nil
}

// Find returns the tensor of that name.
func Find(tensors []Tensor, name string) (Tensor, bool) {
	i := slices.IndexFunc(tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return tensors[i], true
}
