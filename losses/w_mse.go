package losses

import (
	"fmt"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
)

// WMSEConfig says how WMSE whitens.
type WMSEConfig struct {
	Size   int       // of a sub-batch, 128 in the paper; 0: the whole batch
	Eps    float64   // share of the identity in the covariance
	Orders [][]int64 // a permutation of the pictures for each round of sub-batches (w_iter); nil: one round, in order
}

// WMSE is the loss of Ermolov et al. 2021 (arXiv 2007.06346). Each view's embeddings [N, d] are whitened in
// sub-batches, by the inverse of the Cholesky factor of their covariance. A sub-batch has the same pictures in each
// view. The loss is 2 - 2 cos of the whitened views, the mean over pictures, pairs of views and rounds. Gradients go
// through the whitening of both views. A singular covariance is an error on the CPU. On another device it makes the
// loss NaN.
func WMSE(s *torch.Scope, views []torch.Tensor, c WMSEConfig) torch.Tensor {
	if len(views) < 2 {
		s.Fail(fmt.Errorf("losses: W-MSE of %d view; want 2 or more", len(views)))
		return torch.Tensor{}
	}
	n := int(s.Size(views[0], 0))
	orders := c.Orders
	if orders == nil {
		orders = [][]int64{nil}
	}
	chunks := 1
	if c.Size > 0 {
		chunks = max(1, n/c.Size)
	}
	var total torch.Tensor
	terms := 0
	for _, order := range orders {
		ordered := inOrder(s, views, order)
		for k := range chunks {
			from, to := n*k/chunks, n*(k+1)/chunks // a remainder is spread over the sub-batches
			whitened := make([]torch.Tensor, len(views))
			for v, z := range ordered {
				whitened[v] = whiten(s, s.Narrow(z, 0, int64(from), int64(to-from)), c.Eps)
			}
			for i := range whitened {
				for j := range i {
					// A sub-batch's weight is its number of pictures.
					term := s.MulScalar(cosine(s, whitened[i], whitened[j]), float64((to-from)*chunks)/float64(n))
					if terms++; terms == 1 {
						total = term
					} else {
						total = s.Add(total, term)
					}
				}
			}
		}
	}
	return s.AddScalar(s.MulScalar(total, -2/float64(terms)), 2)
}

// inOrder returns the rows of views in an order; nil: as they are.
func inOrder(s *torch.Scope, views []torch.Tensor, order []int64) []torch.Tensor {
	if order == nil || s.Err() != nil {
		return views
	}
	index := torch.FromSlice(s, order, s.Like(views[0]).Device, int64(len(order)))
	out := make([]torch.Tensor, len(views))
	for v, z := range views {
		out[v] = s.IndexSelect(z, 0, index)
	}
	return out
}

// Singular says why n embeddings of d dimensions cannot be whitened, and the remedy.
func Singular(n, d int) string { return singular(n, d).Error() }

func singular(n, d int) error {
	return field.Errorf("W-MSE cannot whiten %d embeddings of %d dimensions, their covariance is singular: "+
		"use a sub-batch of more than %d, a smaller {methods.Dim}, or an epsilon above 0 ({methods.Options} epsilon=0.01)",
		n, d, d)
}

// whiten maps z [N, d] to rows whose covariance is the identity.
func whiten(s *torch.Scope, z torch.Tensor, eps float64) torch.Tensor {
	n, d := rows(s, z, z)
	centred := s.Sub(z, s.MeanDim(z, true, 0))
	identity := s.MaskedFill(s.Zeros(s.Like(z), d, d), diagonal(s, d, z), eps)
	covariance := s.Add(s.MulScalar(s.MatMul(s.T(centred), centred), (1-eps)/float64(n-1)), identity)
	factor, ok := s.Cholesky(covariance)
	if s.Err() == nil && !ok {
		s.Fail(fmt.Errorf("losses: %w", singular(int(n), int(d))))
	}
	return s.T(s.SolveTriangular(factor, s.T(centred), false))
}
