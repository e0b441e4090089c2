package torch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/suggest"
)

// ElementType is a dtype with its size and its names in other formats.
type ElementType struct {
	DType   DType
	Name    string   // in safetensors, and so in this program's checkpoints
	Size    int64    // bytes of a number
	Float   bool     // whether it is a floating-point type
	Torch   []string // in Python, after "torch."; the first is what Python prints
	Storage string   // the class of its storages in PyTorch's files
	NumPy   string   // in .npy files, little-endian; NumPy has no bfloat16
}

// ElementTypes lists the dtypes that this program reads and writes.
func ElementTypes() []ElementType {
	return []ElementType{
		{gotch.Double, "F64", 8, true, []string{"float64", "double"}, "DoubleStorage", "<f8"},
		{gotch.Float, "F32", 4, true, []string{"float32", "float"}, "FloatStorage", "<f4"},
		{gotch.Half, "F16", 2, true, []string{"float16", "half"}, "HalfStorage", "<f2"},
		{gotch.BFloat16, "BF16", 2, true, []string{"bfloat16"}, "BFloat16Storage", ""},
		{gotch.Int64, "I64", 8, false, []string{"int64", "long"}, "LongStorage", "<i8"},
		{gotch.Int, "I32", 4, false, []string{"int32", "int"}, "IntStorage", "<i4"},
		{gotch.Int16, "I16", 2, false, []string{"int16", "short"}, "ShortStorage", "<i2"},
		{gotch.Int8, "I8", 1, false, []string{"int8"}, "CharStorage", "|i1"},
		{gotch.Uint8, "U8", 1, false, []string{"uint8"}, "ByteStorage", "|u1"},
		{gotch.Bool, "BOOL", 1, false, []string{"bool"}, "BoolStorage", "|b1"},
	}
}

// ElementTypeOf returns the row of a dtype.
func ElementTypeOf(d DType) (ElementType, error) {
	all := ElementTypes()
	i := slices.IndexFunc(all, func(e ElementType) bool { return e.DType == d })
	if i < 0 {
		return ElementType{}, fmt.Errorf("torch: dtype %v: want one of %s", d, strings.Join(elementTypes().Names(), ", "))
	}
	return all[i], nil
}

// ElementTypeNamed returns the row of a dtype by safetensors' name, as F32.
func ElementTypeNamed(name string) (ElementType, error) { return elementTypes().Find("dtype", name) }

func elementTypes() (t suggest.Table[ElementType]) {
	for _, e := range ElementTypes() {
		t = append(t, suggest.Row[ElementType]{Name: e.Name, Is: e})
	}
	return t
}
