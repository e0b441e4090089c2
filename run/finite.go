package main

import (
	"encoding/binary"
	"math"

	"github.com/icl-msr/icl-msr/torchscript"
)

// finite reports whether no number is infinite or NaN.
func finite(x []float32) bool {
	for _, v := range x {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}

// oddNumbers counts the numbers of a tensor that are infinite or NaN. Integers
// have none.
func oddNumbers(t torchscript.Tensor) (n int) {
	switch t.DType {
	case "F32":
		for i := 0; i+4 <= len(t.Data); i += 4 {
			if binary.LittleEndian.Uint32(t.Data[i:])&0x7f800000 == 0x7f800000 {
				n++
			}
		}
	case "F64":
		for i := 0; i+8 <= len(t.Data); i += 8 {
			if binary.LittleEndian.Uint64(t.Data[i:])&(0x7ff<<52) == 0x7ff<<52 {
				n++
			}
		}
	}
	return n
}
