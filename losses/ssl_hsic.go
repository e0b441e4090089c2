package losses

import (
	"fmt"

	"github.com/icl-msr/icl-msr/torch"
)

// SSLHSIC is Li et al. 2021 (arXiv 2106.08320): -HSIC(Z, Y) + gamma sqrt(HSIC(Z, Z))
// of the 2N L2-normalised embeddings Z and the pictures' identity Y, with the
// inverse multiquadric kernel k = c / sqrt(c² + |z - z'|²). HSIC(Z, Y) is the mean
// kernel of a picture's two views minus that of all pairs; HSIC(Z, Z) is the
// biased estimate |H K H|²/(2N-1)².
func SSLHSIC(s *torch.Scope, z1, z2 torch.Tensor, gamma, c float64) torch.Tensor {
	return SSLHSICViews(s, []torch.Tensor{z1, z2}, gamma, c)
}

// SSLHSICViews is SSLHSIC of two or more views [N, d]: the authors' code has a target
// network's projections of both views beside the predictions. HSIC(Z, Y) then has
// all pairs of a picture's views, HSIC(Z, Z) the embeddings of all.
func SSLHSICViews(s *torch.Scope, views []torch.Tensor, gamma, c float64) torch.Tensor {
	if len(views) < 2 {
		s.Fail(fmt.Errorf("losses: SSL-HSIC of %d view; want 2 or more", len(views)))
		return torch.Tensor{}
	}
	unit := make([]torch.Tensor, len(views))
	var n int64
	for v, z := range views {
		n, _ = rows(s, views[0], z)
		unit[v] = s.Normalize(z)
	}
	u := s.Cat(0, unit...)
	k := multiquadric(s, s.MulScalar(s.AddScalar(s.Neg(s.MatMul(u, s.T(u))), 1), 2), c)
	centred := s.Sub(s.Sub(k, s.MeanDim(k, true, 0)), s.Sub(s.MeanDim(k, true, 1), s.Mean(k)))
	m := float64(int64(len(views))*n - 1)
	own := s.MulScalar(s.Sqrt(s.Sum(s.Square(centred))), 1/m)
	return s.Add(s.Sub(s.Mean(k), ofOnePicture(s, unit, c)), s.MulScalar(own, gamma))
}

// ofOnePicture is the mean kernel of two views of a picture, over pictures and
// pairs of views.
func ofOnePicture(s *torch.Scope, unit []torch.Tensor, c float64) torch.Tensor {
	var pairs []torch.Tensor
	for i := range unit {
		for j := range i {
			squares := s.SumDim(s.Square(s.Sub(unit[j], unit[i])), false, 1)
			pairs = append(pairs, multiquadric(s, squares, c))
		}
	}
	return s.Mean(s.Cat(0, pairs...))
}

// multiquadric is c / sqrt(c² + d) of squared distances d.
func multiquadric(s *torch.Scope, d torch.Tensor, c float64) torch.Tensor {
	return s.Exp(s.MulScalar(s.Log(s.AddScalar(s.MulScalar(d, 1/(c*c)), 1)), -0.5))
}
