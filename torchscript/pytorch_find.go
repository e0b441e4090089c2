package torchscript

import (
	"errors"
	"fmt"
	"strings"

	"github.com/icl-msr/icl-msr/internal/pickle"
)

// The limits of the depth at which tensors are looked for, and of the length of the names that lead to them. A small
// file can have both without end in few bytes.
const (
	maxDepth = 32
	maxName  = 256
)

// find lists the dictionaries of tensors in a pickled value. It enters dictionaries whose keys are texts, each once.
// Modules that were pickled whole are read as their state dicts. Anything else stays data and is never run.
func (w *Weights) find(root any, locate func(reference) (place, error)) error {
	f := &finder{locate: locate, seen: map[any]bool{}, modules: map[*pickle.Object]bool{}}
	if t, ok := unwrap(root); ok {
		return fmt.Errorf("it holds one tensor (%s) without a name; want a state dict", t.Callable.Name)
	}
	switch o, _ := root.(*pickle.Object); {
	case isDict(root):
		for _, k := range entriesOf(root).Keys {
			if name := textOf(k); name != "" {
				w.Keys = append(w.Keys, name)
			}
		}
		f.dictionary(root, "", 0)
	case o != nil && f.isModule(o):
		var g Group
		f.module(&g, o, "", 0)
		f.keep(g)
	default:
		return fmt.Errorf("it holds %s, not a dictionary of tensors", kindOf(root))
	}
	w.Groups = f.groups
	if len(w.Groups) == 0 {
		return errors.New("no dictionary of tensors is in it")
	}
	return nil
}

type finder struct {
	locate  func(reference) (place, error)
	seen    map[any]bool // dictionaries and modules entered
	modules map[*pickle.Object]bool
	groups  []Group
}

func (f *finder) keep(g Group) {
	if len(g.Tensors) > 0 {
		f.groups = append(f.groups, g)
	}
}

// dictionary adds the group of a dictionary, then those of dictionaries in it.
func (f *finder) dictionary(v any, path string, depth int) {
	if depth > maxDepth || f.seen[v] {
		return
	}
	f.seen[v] = true
	d := entriesOf(v)
	g := Group{Path: path}
	var inside []func()
	for i, k := range d.Keys {
		name, v := textOf(k), d.Values[i]
		if name == "" || len(path)+len(name) > maxName {
			continue
		}
		if t, ok := unwrap(v); ok {
			g.Tensors = append(g.Tensors, stored(name, t, f.locate))
		} else if isDict(v) {
			inside = append(inside, func() { f.dictionary(v, join(path, name), depth+1) })
		} else if o, ok := v.(*pickle.Object); ok && f.isModule(o) {
			inside = append(inside, func() {
				m := Group{Path: join(path, name)}
				f.module(&m, o, "", depth+1)
				f.keep(m)
			})
		} else if foreign := foreignIn(v); foreign != "" && g.Foreign == "" {
			g.Foreign = foreign
		}
	}
	f.keep(g)
	for _, enter := range inside {
		enter()
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// isDict reports whether v is a dictionary of a class that PyTorch uses.
func isDict(v any) bool {
	switch v := v.(type) {
	case *pickle.Dict:
		return true
	case *pickle.Object:
		switch v.Callable.String() {
		case "collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict":
			return true
		}
	}
	return false
}

// entriesOf are the entries of a dictionary.
func entriesOf(v any) *pickle.Dict {
	if d, ok := v.(*pickle.Dict); ok {
		return d
	}
	return pairsOf(v.(*pickle.Object))
}

// pairsOf are the entries of an OrderedDict. They were set one by one, or by Python 2 as one list of pairs.
func pairsOf(o *pickle.Object) *pickle.Dict {
	if len(o.Entries.Keys) > 0 || len(o.Args) != 1 {
		return &o.Entries
	}
	list, ok := o.Args[0].(*pickle.List)
	if !ok {
		return &o.Entries
	}
	d := &pickle.Dict{}
	for _, item := range list.Items {
		pair, ok := item.(pickle.Tuple)
		if l, isList := item.(*pickle.List); isList {
			pair, ok = pickle.Tuple(l.Items), true
		}
		if ok && len(pair) == 2 {
			d.Keys, d.Values = append(d.Keys, pair[0]), append(d.Values, pair[1])
		}
	}
	return d
}

// isModule reports whether an object is a torch.nn.Module that was pickled whole, or a module of TorchScript.
func (f *finder) isModule(o *pickle.Object) bool {
	is, known := f.modules[o]
	if known {
		return is
	}
	if state, ok := o.State.(*pickle.Dict); ok {
		_, children := state.Get("_modules")
		_, params := state.Get("_parameters")
		is = children && params || isScript(o)
	}
	f.modules[o] = is
	return is
}

func isScript(o *pickle.Object) bool { return strings.HasPrefix(o.Callable.String(), "__torch__.") }

// module adds a module's tensors under their names in its state dict.
func (f *finder) module(g *Group, o *pickle.Object, prefix string, depth int) {
	state, ok := o.State.(*pickle.Dict)
	if !ok || depth > maxDepth || f.seen[o] {
		return
	}
	f.seen[o] = true
	parts := []*pickle.Dict{state}
	if !isScript(o) {
		parts = nil
		for _, name := range []string{"_parameters", "_buffers", "_modules"} {
			v, _ := state.Get(name)
			if isDict(v) {
				parts = append(parts, entriesOf(v))
			}
		}
	}
	for _, d := range parts {
		for i, k := range d.Keys {
			if len(prefix)+len(textOf(k)) > maxName {
				continue
			}
			name := prefix + textOf(k)
			if t, ok := unwrap(d.Values[i]); ok {
				g.Tensors = append(g.Tensors, stored(name, t, f.locate))
			} else if c, ok := d.Values[i].(*pickle.Object); ok && f.isModule(c) {
				f.module(g, c, name+".", depth+1)
			}
		}
	}
}

// foreignIn names an object or a class of Python that is not data; "" for data.
func foreignIn(v any) string {
	var g pickle.Global
	switch v := v.(type) {
	case pickle.Global:
		g = v
	case *pickle.Object:
		g = v.Callable
	default:
		return ""
	}
	switch g.Module {
	case "torch", "torch.serialization", "numpy.core.multiarray", "numpy._core.multiarray", "numpy", "_codecs",
		"collections", "datetime", "pathlib":
		return "" // sizes, devices, dtypes, NumPy's numbers and arrays
	case "builtins", "__builtin__":
		switch g.Name {
		case "set", "frozenset", "bytearray", "complex", "slice", "range":
			return ""
		}
	}
	return g.String()
}

func kindOf(v any) string {
	switch v := v.(type) {
	case *pickle.Object:
		return "an object of " + v.Callable.String()
	case pickle.Global:
		return v.String()
	case *pickle.List:
		return "a list"
	case pickle.Tuple:
		return "a tuple"
	case nil:
		return "None"
	case string, pickle.Bytes:
		return "a text"
	}
	return "a number"
}
