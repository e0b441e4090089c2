package torchscript

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Wanted is a tensor that a network has.
type Wanted struct {
	Name    string
	Shape   []int64
	Integer bool // int64, not float32
	Counter bool // may be absent, as num_batches_tracked is in files of PyTorch before 0.4.1
}

// Match is what of a file goes where.
type Match struct {
	Layout     Layout
	Found      map[string]Stored // by the wanted name
	Missing    []string          // wanted, not in the file
	WrongShape []string          // with both shapes
	Unexpected []string          // of a ResNet in the file, not wanted
	Ignored    []Ignored         // heads, other networks, queues
	Converted  map[string]int    // tensors by the dtype they have in the file, where it is another
}

// Ignored counts tensors that begin with a name.
type Ignored struct {
	Name  string
	Count int
}

var ofResNet = regexp.MustCompile(`^(conv1|bn1|layer\d+\.\d+)\.`)

// Compare lays a file's names beside a network's.
func Compare(w *Weights, l Layout, wanted []Wanted) (Match, error) {
	m := Match{Layout: l, Found: map[string]Stored{}, Converted: map[string]int{}}
	byName := map[string]Wanted{}
	for _, x := range wanted {
		byName[x.Name] = x
	}
	ignored := map[string]int{}
	for _, t := range w.Groups[l.Group].Tensors {
		name, ok := l.Torchvision(t.Name)
		x, isWanted := byName[name]
		switch {
		case !ok || !isWanted && !ofResNet.MatchString(name):
			ignored[l.part(t.Name)]++
		case !isWanted && !strings.HasSuffix(name, ".num_batches_tracked"):
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
		if _, ok := m.Found[x.Name]; !ok && !x.Counter && !slices.ContainsFunc(m.WrongShape, func(s string) bool { return strings.HasPrefix(s, x.Name+" ") }) {
			m.Missing = append(m.Missing, x.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ignored)) {
		m.Ignored = append(m.Ignored, Ignored{name, ignored[name]})
	}
	return m, nil
}

// take keeps a tensor that fits, or says why it does not.
func (m *Match) take(x Wanted, t Stored) {
	floats := slices.Contains([]string{"F64", "F32", "F16", "BF16"}, t.DType)
	switch {
	case !slices.Equal(x.Shape, t.Shape):
		m.WrongShape = append(m.WrongShape, fmt.Sprintf("%s is %v in the file, %v here", x.Name, t.Shape, x.Shape))
		return
	case floats == x.Integer && !x.Counter: // counters are floats where all was averaged or converted
		m.WrongShape = append(m.WrongShape, fmt.Sprintf("%s is %s in the file", x.Name, t.DType))
		return
	case x.Integer && t.DType != "I64" || !x.Integer && t.DType != "F32":
		m.Converted[t.DType]++
	}
	m.Found[x.Name] = t
}

// part is what a tensor beside the backbone is counted under: its head, or the
// network that it is of.
func (l Layout) part(name string) string {
	name = unwrapped(name)
	prefix := ""
	if strings.HasPrefix(name, l.Prefix) {
		prefix = l.Prefix
	} else if strings.HasPrefix(name, "module.") {
		prefix = "module."
	}
	head, _, _ := strings.Cut(name[len(prefix):], ".")
	return prefix + head
}

// String is the name and the count.
func (i Ignored) String() string { return fmt.Sprintf("%s %d", i.Name, i.Count) }
