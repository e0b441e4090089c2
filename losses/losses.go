// Package losses holds the contrastive losses, one a file. They are pure functions from embeddings to a scalar tensor.
// Each loss is a mean over this rank's anchors, whose candidates may be those of all ranks.
//
// [N, d] are N rows of d entries, one row for each picture. They need not be normalised if a loss compares cosines. tau
// is a temperature above 0. Wrong shapes, a wrong temperature or a batch without negatives fail the scope.
package losses

import (
	"fmt"
	"math"

	"github.com/icl-msr/icl-msr/torch"
)

// Pair is the embeddings of two views of a batch. Row i of Z1 and row i of Z2 are views of the same picture. They need
// not be normalised.
type Pair struct {
	Z1, Z2     torch.Tensor // this rank's anchors [N, d]
	All1, All2 torch.Tensor // the candidates of all ranks [M, d]
	Offset     int64        // of this rank's pictures among the candidates
	Queue      torch.Tensor // more negatives for Do [K, d]; undefined without
	// LogWeights [N, M] are added to the logits of the candidates' pictures as negatives of the anchors', in NTXent,
	// Debiased, Decoupled and Do (interventions.LogWeights). An anchor's own picture has 0. Undefined: all count alike.
	LogWeights torch.Tensor
}

// NewPair is the pair of a single rank: its candidates are its anchors.
func NewPair(z1, z2 torch.Tensor) Pair { return Pair{Z1: z1, Z2: z2, All1: z1, All2: z2} }

// own returns the candidates that are views of this rank's pictures: [N, d].
func (b Pair) own(s *torch.Scope, z, all torch.Tensor) torch.Tensor {
	if all == z {
		return z
	}
	return s.Narrow(all, 0, b.Offset, s.Size(z, 0))
}

// similarity is the table of cosines between the 2N anchors (view 1, then view 2) and the 2M candidates, divided by
// tau. It also says which candidates belong to an anchor's own picture.
type similarity struct {
	anchors torch.Tensor // [2N, d], unit rows
	logits  torch.Tensor // [2N, 2M]
	self    torch.Tensor // [2N, 1]: the candidate that is the anchor itself
	other   torch.Tensor // [2N, 1]: the candidate that is its other view
	columns torch.Tensor // [1, 2M]: 0, 1, ...
	n       int64
}

func similarities(s *torch.Scope, b Pair, tau float64) (t similarity) {
	checkTau(s, tau)
	n, m := s.Size(b.Z1, 0), s.Size(b.All1, 0)
	if s.Err() == nil && (n < 1 || s.Size(b.Z2, 0) != n || s.Size(b.All2, 0) != m || b.Offset < 0 || b.Offset+n > m) {
		s.Fail(fmt.Errorf("losses: %d and %d anchors at offset %d of %d candidates", n, s.Size(b.Z2, 0), b.Offset, m))
	}
	if s.Err() == nil && m < 2 {
		s.Fail(fmt.Errorf("losses: a contrastive loss of one picture has no negatives; use a batch of 2 or more"))
	}
	if s.Err() != nil {
		return t
	}
	device := s.Like(b.Z1).Device
	t.n = n
	t.anchors = s.Normalize(s.Cat(0, b.Z1, b.Z2))
	candidates := t.anchors
	if b.All1 != b.Z1 || b.All2 != b.Z2 {
		candidates = s.Normalize(s.Cat(0, b.All1, b.All2))
	}
	t.logits = s.MulScalar(s.MatMul(t.anchors, s.T(candidates)), 1/tau)
	if b.LogWeights.Defined() {
		t.logits = WeighNegatives(s, t.logits, b.LogWeights)
	}
	first, second := s.Arange(b.Offset, b.Offset+n, device), s.Arange(m+b.Offset, m+b.Offset+n, device)
	t.self = s.Unsqueeze(s.Cat(0, first, second), 1)
	t.other = s.Unsqueeze(s.Cat(0, second, first), 1)
	t.columns = s.Unsqueeze(s.Arange(0, 2*m, device), 0)
	return t
}

// WeighNegatives adds log weights [N, M] of pictures to the logits [2N, 2M] of two views of the anchors and two views
// of the candidates. With 0 for an anchor's own picture, its positive does not change.
func WeighNegatives(s *torch.Scope, logits, logWeights torch.Tensor) torch.Tensor {
	w, l := s.Shape(logWeights), s.Shape(logits)
	if s.Err() == nil && (len(w) != 2 || len(l) != 2 || 2*w[0] != l[0] || 2*w[1] != l[1]) {
		s.Fail(fmt.Errorf("losses: log weights %v for logits %v of two views", w, l))
	}
	if s.Err() != nil {
		return torch.Tensor{}
	}
	row := s.Cat(1, logWeights, logWeights)
	return s.Add(logits, s.Cat(0, row, row))
}

// without sets the logits of the candidates at index [2N, 1] to -inf, which leaves them out of sums of exponentials.
func (t similarity) without(s *torch.Scope, logits, index torch.Tensor) torch.Tensor {
	return s.MaskedFill(logits, s.Eq(t.columns, index), math.Inf(-1))
}

func checkTau(s *torch.Scope, tau float64) {
	if !(tau > 0) || math.IsInf(tau, 0) {
		s.Fail(fmt.Errorf("losses: temperature %g; want a positive number", tau))
	}
}

// diagonal is true on the diagonal of an n x n table, on like's device.
func diagonal(s *torch.Scope, n int64, like torch.Tensor) torch.Tensor {
	index := s.Arange(0, n, s.Like(like).Device)
	return s.Eq(s.Unsqueeze(index, 0), s.Unsqueeze(index, 1))
}
