package interventions

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/torch"
)

// otherStratum is the log kernel of two different strata. It is finite, and its exponential is 0 in every dtype.
const otherStratum = -1e4

// StrataLogKernel compares the strata (whole numbers) of anchors [N] and candidates [M]. It is 0 where they are equal,
// and elsewhere so low that its exponential is 0. The result [N, M] has the dtype and the device of like.
func StrataLogKernel(s *torch.Scope, anchors, candidates torch.Tensor, like torch.Options) torch.Tensor {
	same := s.To(s.Eq(s.Unsqueeze(anchors, 1), s.Unsqueeze(candidates, 0)), like)
	return s.MulScalar(s.AddScalar(s.Neg(same), 1), otherStratum)
}

// GaussianLogKernel is -|a - b|^2 / (2 bandwidth^2), [N, M], of the background features a [N, d] of the anchors and b
// [M, d] of the candidates.
func GaussianLogKernel(s *torch.Scope, a, b torch.Tensor, bandwidth float64) torch.Tensor {
	if !(bandwidth > 0) || math.IsInf(bandwidth, 0) {
		s.Fail(field.Errorf("{interventions.Bandwidth} %g: want a positive number", bandwidth))
	}
	// The expansion |a|^2 + |b|^2 - 2 a b avoids a tensor [N, M, d].
	squares := s.Add(s.Unsqueeze(s.SumDim(s.Square(a), false, 1), 1), s.Unsqueeze(s.SumDim(s.Square(b), false, 1), 0))
	square := s.ClampMin(s.Sub(squares, s.MulScalar(s.MatMul(a, s.T(b)), 2)), 0)
	return s.MulScalar(square, -0.5/(bandwidth*bandwidth))
}

// LogWeights returns the logarithms of the weights [N, M] of M candidates as negatives of this rank's N anchors. The
// anchors are the candidates offset to offset+N-1. With the kernel k of two backgrounds b,
//
//	weight_ij = w (M-1) k(b_i, b_j) / sum over the negatives l of k(b_i, b_l) + (1-w)
//
// The weights of an anchor's negatives have the mean 1. If w is 0, the loss is the plain one. If w is 1, negatives come
// from the anchor's own background alone (conditional InfoNCE, Tsai et al. 2021, arXiv:2106.02866). The kernel
// estimates the conditional expectation, as in Tsai et al. 2022 (arXiv:2202.05458). They use kernel ridge regression;
// this function uses kernel smoothing (Nadaraya 1964), whose weights are positive. If all negatives of an anchor are in
// other strata, they count equally. The anchor's own picture has the log weight 0. logKernel must be finite. No
// gradient goes through it.
func LogWeights(s *torch.Scope, logKernel torch.Tensor, offset int64, w float64) torch.Tensor {
	checkWithin(s, w)
	n, m := s.Size(logKernel, 0), s.Size(logKernel, 1)
	if s.Err() == nil && (m < 2 || offset < 0 || offset+n > m) {
		s.Fail(fmt.Errorf("interventions: weights of %d anchors at offset %d of %d candidates", n, offset, m))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	own := ownPicture(s, logKernel, offset)
	kernel := s.MaskedFill(s.Detach(logKernel), own, math.Inf(-1))
	return s.MaskedFill(mixed(s, kernel, m-1, w), own, 0)
}

// QueueLogWeights is LogWeights for the K rows of a queue, none of which is an anchor's own picture. It maps the log
// kernel [N, K] of anchors and rows to weights that are added to the logits [N, K].
func QueueLogWeights(s *torch.Scope, logKernel torch.Tensor, w float64) torch.Tensor {
	checkWithin(s, w)
	k := s.Size(logKernel, 1)
	if s.Err() != nil {
		return torch.Tensor{}
	}
	return mixed(s, s.Detach(logKernel), k, w)
}

func checkWithin(s *torch.Scope, w float64) {
	if !(w >= 0 && w <= 1) {
		s.Fail(field.Errorf("{interventions.Within} %g: want 0 to 1", w))
	}
}

// mixed is the logarithm of w count k / sum k + (1-w), row by row. Entries of the log kernel that are not negatives are
// minus infinity.
func mixed(s *torch.Scope, logKernel torch.Tensor, count int64, w float64) torch.Tensor {
	// Subtracting the largest entry first avoids underflow in rows whose entries are all low.
	low := s.Sub(logKernel, s.MaxDim(logKernel, true, 1))
	within := s.AddScalar(s.Sub(low, s.LogSumExp(low, true, 1)), math.Log(float64(count)))
	switch w {
	case 0:
		return s.ZerosLike(within)
	case 1:
		return within
	}
	all := s.Full(math.Log(1-w), s.Like(within), s.Shape(within)...)
	return s.LogSumExp(s.Stack(0, s.AddScalar(within, math.Log(w)), all), false, 0)
}

// ownPicture is true where the candidate (column) is the anchor's (row's) own picture.
func ownPicture(s *torch.Scope, table torch.Tensor, offset int64) torch.Tensor {
	device := s.Like(table).Device
	rows := s.Arange(offset, offset+s.Size(table, 0), device)
	columns := s.Arange(0, s.Size(table, 1), device)
	return s.Eq(s.Unsqueeze(rows, 1), s.Unsqueeze(columns, 0))
}

// ConditionalNTXent is losses.NTXent whose negatives have the log weights [N, M] of LogWeights. It is the mean over the
// 2N anchors.
func ConditionalNTXent(s *torch.Scope, b losses.Pair, logWeights torch.Tensor, tau float64) torch.Tensor {
	return s.Mean(ConditionalNTXentEach(s, b, logWeights, tau))
}

// ConditionalNTXentEach is ConditionalNTXent of each anchor, [2N]: first view 1 of all pictures, then view 2.
func ConditionalNTXentEach(s *torch.Scope, b losses.Pair, logWeights torch.Tensor, tau float64) torch.Tensor {
	if !(tau > 0) || math.IsInf(tau, 0) {
		s.Fail(fmt.Errorf("interventions: temperature %g; want a positive number", tau))
	}
	n, m := s.Size(b.Z1, 0), s.Size(b.All1, 0)
	if w := s.Shape(logWeights); s.Err() == nil && (len(w) != 2 || w[0] != n || w[1] != m) {
		s.Fail(fmt.Errorf("interventions: log weights %v of %d anchors and %d candidates", w, n, m))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	anchors, candidates := s.Normalize(s.Cat(0, b.Z1, b.Z2)), s.Normalize(s.Cat(0, b.All1, b.All2))
	logits := s.MulScalar(s.MatMul(anchors, s.T(candidates)), 1/tau)
	device := s.Like(logits).Device
	first, second := s.Arange(b.Offset, b.Offset+n, device), s.Arange(m+b.Offset, m+b.Offset+n, device)
	columns := s.Unsqueeze(s.Arange(0, 2*m, device), 0)
	self := s.Eq(s.Unsqueeze(s.Cat(0, first, second), 1), columns)
	positive := s.Gather(logits, 1, s.Unsqueeze(s.Cat(0, second, first), 1))
	weighed := s.MaskedFill(losses.WeighNegatives(s, logits, logWeights), self, math.Inf(-1))
	return s.Reshape(s.Sub(s.LogSumExp(weighed, true, 1), positive), -1)
}
