package torchscript

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
)

// Anatomy tells which network of its family a layout found, by the names and shapes of its tensors.
func Anatomy(w *Weights, l Layout) (nets.Anatomy, error) {
	shapes := map[string][]int64{}
	for _, t := range w.Groups[l.Group].Tensors {
		name, ok := l.Canonical(t.Name)
		if !ok || !l.Family.StateDict.Owns(name) {
			continue
		}
		if t.Err != nil {
			return nets.Anatomy{}, fmt.Errorf("%s: %s: %w", w.Path, t.Name, t.Err)
		}
		shapes[name] = t.Shape
	}
	a, err := l.Family.StateDict.Anatomy(shapes)
	if err != nil {
		return a, fmt.Errorf("%s: %w", w.Path, err)
	}
	return a, nil
}

// Guess finds the architecture, width and stem of the network that a layout found. built is false if the family has no
// network with the same tensors and shapes.
func Guess(w *Weights, l Layout) (a nets.Anatomy, built bool, err error) {
	if a, err = Anatomy(w, l); err != nil || a.Arch == "" {
		return a, false, err
	}
	backbone, err := l.Family.New(a.BackboneConfig)
	if err != nil {
		return a, false, err
	}
	m, err := Compare(w, l, WantedBy(backbone))
	return a, err == nil && m.Fits(), nil
}
