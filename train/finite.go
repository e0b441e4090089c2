package train

import (
	"encoding/binary"
	"fmt"

	"github.com/icl-msr/icl-msr/torchscript"
)

// countNonFinite counts the numbers of a tensor that are infinite or NaN. An integer tensor has none.
func countNonFinite(t torchscript.Tensor) (n int) {
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

// Diverged returns an error if a tensor of the checkpoint has numbers that are not finite.
func (k Checkpoint) Diverged() error {
	for _, t := range k.Tensors {
		if n := countNonFinite(t); n > 0 {
			return fmt.Errorf("training diverged: %d of the %d numbers of %s are not finite", n, count(t.Shape), t.Name)
		}
	}
	return nil
}
