// Package methods holds the self-supervised methods, one a file: their head and
// their loss. MSR is put on any of them by package meta.
package methods

import (
	"fmt"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/nets"
)

// Method is a self-supervised method on two views of each picture.
type Method interface {
	// Name is the method's name on the command line.
	Name() string
	// Head returns the network on top of a backbone of dim features, whose
	// outputs the loss compares.
	Head(dim int64) nets.Encoder
	// Loss is the method's own loss of a batch of embeddings.
	Loss(s *libtorch.Scope, b losses.Batch) libtorch.Tensor
	// Temperature is tau of the do-loss that MSR adds.
	Temperature() float64
}

// Config holds what methods share.
type Config struct {
	Temperature float64 // tau
	Hidden      int64   // width of the head's hidden layer; 1024 in the paper
	Dim         int64   // width of the embeddings; 64 on CIFAR, 128 otherwise
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if !(c.Temperature > 0) || c.Temperature > 1e6 {
		return fmt.Errorf("temperature %g; want a positive number (0.5 in the paper)", c.Temperature)
	}
	if c.Hidden < 1 || c.Dim < 1 {
		return fmt.Errorf("head of %d hidden units and %d outputs; want positive numbers", c.Hidden, c.Dim)
	}
	return nil
}

// Info describes a method in lists.
type Info struct{ Name, Paper string }

// registry is the table of methods: a new one is a file, and a row here.
func registry() []entry {
	return []entry{
		{Info{"simclr", "Chen et al. 2020, A simple framework for contrastive learning"}, newSimCLR},
	}
}

type entry struct {
	Info
	build func(Config) Method
}

// All lists the methods.
func All() []Info {
	var out []Info
	for _, e := range registry() {
		out = append(out, e.Info)
	}
	return out
}

// New builds a method by name.
func New(name string, c Config) (Method, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	var names []string
	for _, e := range registry() {
		if e.Name == name {
			return e.build(c), nil
		}
		names = append(names, e.Name)
	}
	return nil, suggest.Unknown("method", name, names)
}
