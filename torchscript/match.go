package torchscript

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/nets"
)

// Wanted is a tensor of a network.
type Wanted struct {
	Name    string
	Shape   []int64
	Integer bool // int64, not float32
	Counter bool // it may be absent, as num_batches_tracked is in files of PyTorch before 0.4.1
}

// counterSuffix is the end of the names of counters of batches.
const counterSuffix = "num_batches_tracked"

// WantedBy lists the tensors of a network: parameters, then buffers.
func WantedBy(n nets.Network) []Wanted {
	var out []Wanted
	for _, s := range n.Params() {
		out = append(out, Wanted{Name: s.Name, Shape: s.Shape})
	}
	for _, s := range n.Buffers() {
		counter := strings.HasSuffix(s.Name, counterSuffix)
		out = append(out, Wanted{Name: s.Name, Shape: s.Shape, Integer: counter, Counter: counter})
	}
	return out
}

// Match says which tensors of a file are which of a network.
type Match struct {
	Layout     Layout
	Found      map[string]Stored // by the network's name
	Missing    []string          // of the network, not in the file
	WrongShape []string          // found in another shape or dtype, which is named
	Unexpected []string          // of the file's backbone, not of the network
	Ignored    []Ignored         // heads, other networks, queues
	Converted  map[string]int    // number of tensors that have another dtype in the file, by that dtype
}

// Ignored is a number of tensors whose names begin with Name.
type Ignored struct {
	Name  string
	Count int
}

// Fits reports whether the file's backbone has the network's tensors, and no others.
func (m Match) Fits() bool { return len(m.Missing)+len(m.WrongShape)+len(m.Unexpected) == 0 }

// Compare finds the tensors of a network in a file.
func Compare(w *Weights, l Layout, wanted []Wanted) (Match, error) {
	m := Match{Layout: l, Found: map[string]Stored{}, Converted: map[string]int{}}
	byName := map[string]Wanted{}
	for _, x := range wanted {
		byName[x.Name] = x
	}
	ignored := map[string]int{}
	for _, t := range w.Groups[l.Group].Tensors {
		name, ok := l.Canonical(t.Name)
		x, isWanted := byName[name]
		switch {
		case !ok || !isWanted && !l.Family.StateDict.Owns(name):
			ignored[l.part(t.Name)]++
		case !isWanted && !strings.HasSuffix(name, "."+counterSuffix):
			m.Unexpected = append(m.Unexpected, t.Name)
		case isWanted:
			if _, twice := m.Found[name]; twice {
				return m, fmt.Errorf("%s: two tensors for %s, the second %s", w.Path, name, t.Name)
			}
			if t.Err != nil {
				return m, fmt.Errorf("%s: %s: %w", w.Path, t.Name, t.Err)
			}
			m.take(x, t)
		}
	}
	for _, x := range wanted {
		_, found := m.Found[x.Name]
		wrong := slices.ContainsFunc(m.WrongShape, func(s string) bool { return strings.HasPrefix(s, x.Name+" ") })
		if !found && !wrong && !x.Counter {
			m.Missing = append(m.Missing, x.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ignored)) {
		m.Ignored = append(m.Ignored, Ignored{name, ignored[name]})
	}
	return m, nil
}

// take adds a tensor to Found, or to WrongShape.
func (m *Match) take(x Wanted, t Stored) {
	floats := slices.Contains([]string{"F64", "F32", "F16", "BF16"}, t.DType)
	switch {
	case !slices.Equal(x.Shape, t.Shape):
		m.WrongShape = append(m.WrongShape, fmt.Sprintf("%s is %v in the file, %v here", x.Name, t.Shape, x.Shape))
		return
	case floats == x.Integer && !x.Counter: // a file whose tensors were averaged or converted has float counters
		m.WrongShape = append(m.WrongShape, fmt.Sprintf("%s is %s in the file", x.Name, t.DType))
		return
	case x.Integer && t.DType != "I64" || !x.Integer && t.DType != "F32":
		m.Converted[t.DType]++
	}
	m.Found[x.Name] = t
}

// part is the name of the head or network that an ignored tensor belongs to.
func (l Layout) part(name string) string {
	name = unwrapped(name, l.Family)
	prefix := ""
	if strings.HasPrefix(name, l.Prefix) {
		prefix = l.Prefix
	} else if strings.HasPrefix(name, "module.") {
		prefix = "module."
	}
	head, _, _ := strings.Cut(name[len(prefix):], ".")
	return prefix + head
}

// String returns name and number.
func (i Ignored) String() string { return fmt.Sprintf("%s %d", i.Name, i.Count) }
