package meta

import (
	"math"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// within runs f in a scope that is freed when f returns; its error becomes
// s's. Nothing runs when s has failed already.
func within(s *Scope, f func(t *Scope)) {
	if s.Err() != nil {
		return
	}
	t := libtorch.NewScope()
	f(t)
	if err := t.Close(); err != nil {
		s.Fail(err)
	}
}

// norm is the Euclidean norm of a list as one vector.
func norm(s *Scope, ts []Tensor) float64 { return math.Sqrt(s.Dot(ts, ts)) }
