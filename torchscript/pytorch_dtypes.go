package torchscript

// storageTypes are the dtypes of torch's storage classes.
func storageTypes() map[string]string {
	return map[string]string{
		"DoubleStorage":   "F64",
		"FloatStorage":    "F32",
		"HalfStorage":     "F16",
		"BFloat16Storage": "BF16",
		"LongStorage":     "I64",
		"IntStorage":      "I32",
		"ShortStorage":    "I16",
		"CharStorage":     "I8",
		"ByteStorage":     "U8",
		"BoolStorage":     "BOOL",
		"UntypedStorage":  "",
	}
}

// dtypes are torch's dtypes by name.
func dtypes() map[string]string {
	return map[string]string{
		"float64": "F64", "double": "F64",
		"float32": "F32", "float": "F32",
		"float16": "F16", "half": "F16",
		"bfloat16": "BF16",
		"int64":    "I64", "long": "I64",
		"int32": "I32", "int": "I32",
		"int16": "I16", "short": "I16",
		"int8":  "I8",
		"uint8": "U8",
		"bool":  "BOOL",
	}
}

// storage is PyTorch's name of a storage of a dtype.
func storage(dtype string) (string, bool) {
	for name, d := range storageTypes() {
		if d == dtype && dtype != "" {
			return name, true
		}
	}
	return "", false
}
