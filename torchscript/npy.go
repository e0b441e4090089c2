package torchscript

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// WriteNPY writes a row-major array in NumPy's .npy format, version 1.0. dtype is NumPy's, as "<f4". data is
// little-endian.
func WriteNPY(w io.Writer, dtype string, shape []int64, data []byte) error {
	var dims strings.Builder
	for _, d := range shape {
		fmt.Fprintf(&dims, "%d, ", d)
	}
	header := fmt.Sprintf(
		"{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, strings.TrimSuffix(dims.String(), " "),
	)
	const start = 10 // magic, version, length
	header += strings.Repeat(" ", 63-(start+len(header))%64) + "\n"
	if len(header) > 65535 {
		return fmt.Errorf("npy: %d dimensions", len(shape))
	}
	magic := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	if _, err := w.Write(append(magic, header...)); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
