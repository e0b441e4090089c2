package suggest

// Table lists the things that a name can stand for, in the order in which messages name them.
type Table[T any] []Row[T]

// Row is a name and what it stands for.
type Row[T any] struct {
	Name string
	Is   T
}

// Names are the names, in their order.
func (t Table[T]) Names() []string {
	names := make([]string, len(t))
	for i, r := range t {
		names[i] = r.Name
	}
	return names
}

// Find returns what a name stands for. The error of an unknown name, of the given kind, is that of [Unknown].
func (t Table[T]) Find(kind, name string) (T, error) {
	for _, r := range t {
		if r.Name == name {
			return r.Is, nil
		}
	}
	var none T
	return none, Unknown(kind, name, t.Names())
}
