package torchscript

import (
	"encoding/binary"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of protobuf's messages.

func stringField(field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), s)
}

func messageField(field protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)
}

func intField(field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), n)
}

// AttributeProtos.

func intsAttribute(name string, xs []int64) []byte {
	b := stringField(1, name)
	for _, x := range xs {
		b = append(b, intField(8, uint64(x))...)
	}
	return append(b, intField(20, attributeInts)...)
}

func intAttribute(name string, x int64) []byte {
	return slices.Concat(stringField(1, name), intField(3, uint64(x)), intField(20, attributeInt))
}

func floatAttribute(name string, x float32) []byte {
	b := protowire.AppendFixed32(protowire.AppendTag(stringField(1, name), 2, protowire.Fixed32Type), math.Float32bits(x))
	return append(b, intField(20, attributeFloat)...)
}

func appendInt64(b []byte, x int64) []byte { return binary.LittleEndian.AppendUint64(b, uint64(x)) }
