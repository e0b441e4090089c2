package methods

import (
	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// directPred is Tian et al. 2021 (arXiv 2102.06810): BYOL with a linear predictor that is not trained, but set from the
// eigenvectors of the embeddings' correlation.
type directPred struct{ Base }

func newDirectPred(b Base) model.Method { return directPred{b} }

const correlationState = "correlation"

func (m directPred) Networks(backbone nets.Encoder) (model.Networks, error) {
	d := []int64{m.Config.Dim, m.Config.Dim}
	return model.Networks{
		ViewNorm: m.ViewNorm(),
		Online:   m.Online(backbone),
		Target:   true,
		State: []nets.Spec{
			{Name: correlationState, Shape: d, Init: nets.Constant(0)},
			{Name: PredictorPart, Shape: d, Init: nets.Normal(0.1)},
		},
	}, nil
}

// Momentum is that of BYOL.
func (m directPred) Momentum(progress float64) float64 { return m.TargetMomentum(0.99, progress) }

func (m directPred) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	w, t := p.StateTensor(s, PredictorPart), p.Batch.TargetZ
	return losses.BYOL(s, s.MatMul(p.Z[0], w), s.MatMul(p.Z[1], w), t[0], t[1])
}

// Update moves the correlation F towards the batch's, and sets the predictor to U diag(sqrt(s) + eps max sqrt(s)) Uᵀ
// for F = U diag(s) Uᵀ, with the largest eigenvalue scaled to 1 (sections 4 and 5 of the paper). On a GPU the host
// waits here: LibTorch checks whether the eigenvalues were found.
func (m directPred) Update(s *torch.Scope, p *model.Pass) {
	z := s.Normalize(s.Detach(s.Cat(0, p.Z[0], p.Z[1])))
	batch := s.MulScalar(s.MatMul(s.T(z), z), 1/float64(s.Size(z, 0)))
	f := p.StateTensor(s, correlationState)
	s.Lerp([]torch.Tensor{f}, []torch.Tensor{batch}, 1-m.Option("rho"))
	values, vectors := s.Eigh(f)
	roots := s.Sqrt(s.ClampMin(values, 0))
	largest := s.Narrow(roots, 0, m.Config.Dim-1, 1)
	gains := s.AddScalar(s.Div(roots, s.ClampMin(largest, 1e-12)), m.Option("eps"))
	s.Copy(p.StateTensor(s, PredictorPart), s.MatMul(s.Mul(vectors, gains), s.T(vectors)))
}
