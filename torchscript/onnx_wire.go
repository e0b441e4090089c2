package torchscript

import (
	"encoding/binary"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of protobuf's messages.

func text(field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), s)
}

func message(field protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)
}

func integer(field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), n)
}

// AttributeProtos.

func ints(name string, xs []int64) []byte {
	b := text(1, name)
	for _, x := range xs {
		b = append(b, integer(8, uint64(x))...)
	}
	return append(b, integer(20, attributeInts)...)
}

func whole(name string, x int64) []byte {
	return slices.Concat(text(1, name), integer(3, uint64(x)), integer(20, attributeInt))
}

func float(name string, x float32) []byte {
	b := protowire.AppendFixed32(protowire.AppendTag(text(1, name), 2, protowire.Fixed32Type), math.Float32bits(x))
	return append(b, integer(20, attributeFloat)...)
}

func appendInt64(b []byte, x int64) []byte { return binary.LittleEndian.AppendUint64(b, uint64(x)) }
