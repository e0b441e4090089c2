package torchscript

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/icl-msr/icl-msr/internal/pickle"
)

// reference is a pickle's reference to a storage.
type reference struct {
	key, dtype  string // dtype is "" if the storage is untyped; it then counts bytes
	count, from int64  // in numbers; from is the place of the first in the file's storage
}

// each is the number of bytes of what the storage counts.
func (r reference) each() int64 {
	if size, ok := dtypeSize(r.dtype); ok {
		return size
	}
	return 1
}

// place is a storage's place in the file.
type place struct{ at, size int64 }

// parseReference reads ('storage', class, key, device, count[, view]). A view, of PyTorch before 1.6, is (key, offset,
// count) of a part of the storage.
func parseReference(v any) (r reference, err error) {
	p, ok := v.(pickle.Persistent)
	id, isTuple := p.ID.(pickle.Tuple)
	if !ok || !isTuple || len(id) < 5 || textOf(id[0]) != "storage" {
		return r, errors.New("no storage")
	}
	class, ok := id[1].(pickle.Global)
	if !ok {
		return r, fmt.Errorf("a storage of class %T", id[1])
	}
	if !strings.HasPrefix(class.Module, "torch") {
		return r, fmt.Errorf("a storage of class %s", class)
	}
	if r.dtype, ok = storageTypes()[class.Name]; !ok {
		return r, fmt.Errorf("numbers of %s are not known here", class)
	}
	r.key = textOf(id[2])
	if r.count, ok = id[4].(int64); !ok || r.count < 0 || r.key == "" {
		return r, fmt.Errorf("storage %q of %v numbers", r.key, id[4])
	}
	if len(id) > 5 && id[5] != nil {
		view, ok := id[5].(pickle.Tuple)
		if !ok || len(view) != 3 {
			return r, fmt.Errorf("storage %q with a view %T", r.key, id[5])
		}
		from, ok1 := view[1].(int64)
		count, ok2 := view[2].(int64)
		if !ok1 || !ok2 || from < 0 || count < 0 || from > r.count || count > r.count-from {
			return r, fmt.Errorf("storage %q: a view of %v numbers from %v of %d", r.key, view[2], view[1], r.count)
		}
		r.from, r.count = from, count
	}
	return r, nil
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case pickle.Bytes: // Python 2
		return string(v)
	}
	return ""
}

// unwrap takes a tensor's pickled call out of a parameter or of a subclass of Tensor.
func unwrap(v any) (o *pickle.Object, ok bool) {
	for range 4 {
		if o, ok = v.(*pickle.Object); !ok {
			return nil, false
		}
		switch o.Callable.String() {
		case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
			return o, true
		case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter":
			if len(o.Args) == 0 {
				return o, true
			}
			v = o.Args[0]
		case "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type":
			if len(o.Args) < 3 {
				return o, true
			}
			f, isGlobal := o.Args[0].(pickle.Global)
			args, isTuple := o.Args[2].(pickle.Tuple)
			if !isGlobal || !isTuple {
				return o, true
			}
			v = &pickle.Object{Callable: f, Args: args}
		default:
			return o, strings.HasPrefix(o.Callable.String(), "torch._utils._rebuild_")
		}
	}
	return o, true
}

// stored describes a pickled tensor. locate finds its storage.
func stored(name string, o *pickle.Object, locate func(reference) (place, error)) Stored {
	t := Stored{Name: name}
	t.Err = t.describe(o, locate)
	return t
}

// describe reads the call _rebuild_tensor(storage, offset, shape, strides, ...). Argument 6 of its third version is a
// dtype.
func (t *Stored) describe(o *pickle.Object, locate func(reference) (place, error)) error {
	switch o.Callable.Name {
	case "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3":
	default:
		return unreadTensor(o)
	}
	if len(o.Args) < 4 {
		return fmt.Errorf("%s with %d arguments", o.Callable, len(o.Args))
	}
	r, err := parseReference(o.Args[0])
	if err != nil {
		return err
	}
	offset, ok := o.Args[1].(int64)
	shape, ok1 := integers(o.Args[2])
	strides, ok2 := integers(o.Args[3])
	if !ok || !ok1 || !ok2 || offset < 0 {
		return fmt.Errorf("offset %v, shape %v, strides %v", o.Args[1], o.Args[2], o.Args[3])
	}
	t.Shape, t.DType = shape, r.dtype
	if r.dtype == "" {
		if len(o.Args) < 7 {
			return errors.New("an untyped storage without a dtype")
		}
		g, _ := o.Args[6].(pickle.Global)
		if t.DType, ok = dtypes()[g.Name]; !ok || g.Module != "torch" {
			return cmp.Or(unreadDType(g.Name), fmt.Errorf("dtype %v is not known here", o.Args[6]))
		}
	}
	each := r.each()
	size, _ := dtypeSize(t.DType)
	if r.count > (1<<62)/each || r.from > (1<<62)/each {
		return fmt.Errorf("a storage of %d numbers", r.count)
	}
	span, err := extent(shape, strides)
	if err != nil {
		return err
	}
	have := r.count * each / size // numbers of this tensor's type
	if span > have || offset > have-span {
		return fmt.Errorf("offset %d, shape %v and strides %v in a storage of %d numbers", offset, shape, strides, have)
	}
	p, err := locate(r)
	if err != nil {
		return err
	}
	if r.count*each > p.size-r.from*each {
		return fmt.Errorf("storage %q should have %d numbers, the file has %d bytes of it", r.key, r.from+r.count, p.size)
	}
	t.at = p.at + r.from*each + offset*size
	if !rowMajor(shape, strides) {
		t.strides = strides
	}
	return nil
}

// integers reads a tuple or list of integers, or a torch.Size.
func integers(v any) ([]int64, bool) {
	var items []any
	switch v := v.(type) {
	case pickle.Tuple:
		items = v
	case *pickle.List:
		items = v.Items
	case *pickle.Object:
		if v.Callable.String() == "torch.Size" && len(v.Args) == 1 {
			if t, ok := v.Args[0].(pickle.Tuple); ok {
				items = t
				break
			}
		}
		return nil, false
	default:
		return nil, false
	}
	if len(items) > maxTensorND {
		return nil, false
	}
	out := make([]int64, len(items))
	for i, x := range items {
		n, ok := x.(int64)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// harmless refuses names that no honest checkpoint has: a file with one was made to harm whoever loads it in Python.
// All other names are allowed, since none is ever called.
func harmless(g pickle.Global) bool {
	module, _, _ := strings.Cut(g.Module, ".")
	switch module {
	case "os", "posix", "nt", "subprocess", "sys", "pty", "runpy", "importlib", "socket", "shutil", "ctypes",
		"webbrowser", "commands", "code", "codeop", "pdb", "bdb", "timeit", "cProfile", "profile", "marshal", "pip",
		"imp", "zipimport", "requests", "urllib", "http":
		return false
	case "builtins", "__builtin__":
		switch g.Name {
		case "eval", "exec", "execfile", "compile", "open", "input", "__import__", "breakpoint", "globals", "locals", "vars":
			return false
		}
	case "torch":
		return g.String() != "torch.load" && g.Module != "torch.hub"
	}
	return true
}
