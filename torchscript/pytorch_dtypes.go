package torchscript

import "github.com/icl-msr/icl-msr/torch"

// dtypeSize is the number of bytes of a number of safetensors' dtype.
func dtypeSize(dtype string) (int64, bool) {
	e, err := torch.ElementTypeNamed(dtype)
	return e.Size, err == nil
}

// storageTypes are the dtypes of torch's storage classes; "" of an untyped one.
func storageTypes() map[string]string {
	out := map[string]string{"UntypedStorage": ""}
	for _, e := range torch.ElementTypes() {
		out[e.Storage] = e.Name
	}
	return out
}

// dtypes are torch's dtypes by name.
func dtypes() map[string]string {
	out := map[string]string{}
	for _, e := range torch.ElementTypes() {
		for _, name := range e.Torch {
			out[name] = e.Name
		}
	}
	return out
}

// storage is PyTorch's name of a storage of a dtype.
func storage(dtype string) (string, bool) {
	e, err := torch.ElementTypeNamed(dtype)
	return e.Storage, err == nil
}
