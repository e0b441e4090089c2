package torch

// #include "internal/shim/shim.h"
import "C"

// Eigh returns the eigenvalues [d], ascending, and eigenvectors [d, d] (columns)
// of a symmetric matrix.
func (s *Scope) Eigh(a Tensor) (values, vectors Tensor) {
	if s.err != nil {
		return Tensor{}, Tensor{}
	}
	var w, v C.icl_tensor
	s.do("eigh", func() C.icl_error { return C.icl_eigh(&w, &v, a.c) })
	return s.own(w), s.own(v)
}

// Cholesky returns the lower factor L of a = L Lᵀ [d, d]. ok is false if a is not positive definite, which is not an
// error. On a device other than the CPU the host would have to wait for ok: there ok is always true, and the factor of
// such an a is NaN.
func (s *Scope) Cholesky(a Tensor) (factor Tensor, ok bool) {
	var yes C.int
	factor = s.op("cholesky", func(out *C.icl_tensor) C.icl_error { return C.icl_cholesky(out, &yes, a.c) })
	return factor, yes != 0
}

// SolveTriangular returns the x [d, n] with a x = b, for a lower or upper triangular a [d, d] and b [d, n].
func (s *Scope) SolveTriangular(a, b Tensor, upper bool) Tensor {
	return s.op("solve triangular", func(out *C.icl_tensor) C.icl_error {
		return C.icl_solve_triangular(out, a.c, b.c, flag(upper))
	})
}
