package nets

import (
	"regexp"
	"strings"
)

// StateDict is how a family's networks are found among the tensors of a file. The names of a network's own Params and
// Buffers are the family's names; other programs have prefixes before them, or other names.
type StateDict struct {
	// Mark is the name of a parameter that each network of the family has, and no network of another family. What
	// stands before it in a file stands before all names of that network.
	Mark string
	// Child reports whether a module at the top of a network has this name, as "conv1" or "layer1".
	Child func(name string) bool
	// Rename returns the family's name for a name after the prefix. Nil: the names are the same.
	Rename func(name string) string
	// Others finds networks whose tensors have names of another kind. Nil: there are none.
	Others func(tensors []Entry) []Naming
	// Anatomy tells from the shapes of the family's tensors, by the family's names, which network they are.
	Anatomy func(shapes map[string][]int64) (Anatomy, error)
}

// Entry is a tensor in a file.
type Entry struct {
	Name  string
	Shape []int64
}

// Naming is how a file names the tensors of one network.
type Naming struct {
	By       string // whose names they are, as "Hugging Face transformers"; "" if they are many programs'
	Prefix   string // before the network's names, with its last dot
	Numbered bool   // the names are numbers, as in an nn.Sequential
	// Rename returns the family's name for a name after the prefix. Nil: the names are the same.
	Rename func(name string) string
}

// Find lists the networks of the family among the tensors of a file, one for each prefix.
func (d StateDict) Find(tensors []Entry) (out []Naming) {
	seen := map[string]bool{}
	add := func(n Naming) {
		if !seen[n.Prefix] {
			seen[n.Prefix] = true
			out = append(out, n)
		}
	}
	mark := regexp.MustCompile(`^(|.*\.)` + regexp.QuoteMeta(d.Mark) + `$`)
	for _, t := range tensors {
		if m := mark.FindStringSubmatch(t.Name); m != nil {
			add(Naming{Prefix: m[1], Rename: d.Rename})
		}
	}
	if d.Others != nil {
		for _, n := range d.Others(tensors) {
			add(n)
		}
	}
	return out
}

// Owns reports whether a name, the family's, is of a tensor of its networks.
func (d StateDict) Owns(name string) bool {
	child, _, inside := strings.Cut(name, ".")
	return inside && d.Child != nil && d.Child(child)
}
