package torchscript

import (
	"fmt"
	"io"
	"math"
)

// extent returns the number of entries that a tensor spans in its storage: 0 if it is empty.
func extent(shape, strides []int64) (int64, error) {
	if len(shape) != len(strides) || len(shape) > maxTensorND {
		return 0, fmt.Errorf("shape %v with strides %v", shape, strides)
	}
	span := int64(1)
	for i, d := range shape {
		if d < 0 || strides[i] < 0 {
			return 0, fmt.Errorf("shape %v with strides %v", shape, strides)
		}
		if d > 1 {
			if strides[i] > (math.MaxInt64-span)/(d-1) {
				return 0, fmt.Errorf("shape %v with strides %v", shape, strides)
			}
			span += (d - 1) * strides[i]
		}
	}
	for _, d := range shape {
		if d == 0 {
			return 0, nil
		}
	}
	return span, nil
}

// rowMajor reports whether the strides are those of a new tensor of that shape.
func rowMajor(shape, strides []int64) bool {
	next := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 && strides[i] != next {
			return false
		}
		next *= shape[i]
	}
	return true
}

// gather reads a tensor's numbers into row-major order. If they have another order in the file, a small tensor is read
// whole and a large one run by run.
func (w *Weights) gather(t Stored) ([]byte, error) {
	size, err := bytesOf(t.DType, t.Shape)
	if err != nil {
		return nil, err
	}
	if size > max(w.size, smallTensor) { // an expanded tensor has more numbers than the file
		return nil, fmt.Errorf("shape %v would have %d bytes, the file has %d", t.Shape, size, w.size)
	}
	out := make([]byte, size)
	if size == 0 {
		return out, nil
	}
	if t.strides == nil {
		_, err := w.file.ReadAt(out, t.at)
		return out, err
	}
	span, err := extent(t.Shape, t.strides)
	if err != nil {
		return nil, err
	}
	each, _ := dtypeSize(t.DType)
	var src io.ReaderAt = w.file
	from := t.at
	if span*each <= max(4*size, smallTensor) {
		whole := make([]byte, span*each)
		if _, err := w.file.ReadAt(whole, t.at); err != nil {
			return nil, err
		}
		src, from = memory(whole), 0
	}
	shape, strides, run := runs(t.Shape, t.strides)
	return out, copyRuns(out, src, from, shape, strides, run, each)
}

// memory is bytes as a file. Reads stay inside.
type memory []byte

func (m memory) ReadAt(p []byte, at int64) (int, error) { return copy(p, m[at:]), nil }

// runs splits off the last dimensions whose numbers follow each other in the file.
func runs(shape, strides []int64) (outer, step []int64, run int64) {
	n := len(shape)
	run = 1
	for n > 0 && (shape[n-1] == 1 || strides[n-1] == run) {
		run *= shape[n-1]
		n--
	}
	return shape[:n], strides[:n], run
}

// copyRuns reads the runs of a tensor into out, one after the other.
func copyRuns(out []byte, src io.ReaderAt, from int64, shape, strides []int64, run, each int64) error {
	index := make([]int64, len(shape))
	at := from
	for len(out) > 0 {
		if _, err := src.ReadAt(out[:run*each], at); err != nil {
			return err
		}
		out = out[run*each:]
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			at += strides[d] * each
			if index[d] < shape[d] {
				break
			}
			at -= index[d] * strides[d] * each
			index[d] = 0
		}
	}
	return nil
}
