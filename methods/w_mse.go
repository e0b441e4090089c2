package methods

import (
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/losses"
	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"
)

// wMSE is Ermolov et al. 2021 (arXiv 2007.06346): the views' embeddings, whitened in random sub-batches, are drawn
// together.
type wMSE struct{ Base }

func newWMSE(b Base) model.Method { return wMSE{b} }

// Views are two, or four of which each pair is drawn together.
func (m wMSE) Views() []model.View {
	views := make([]model.View, max(2, m.Count("views")))
	for v := range views {
		views[v] = model.Strong
	}
	return views
}

// subBatch is the number of pictures that are whitened together. The paper's is 128, twice the 64 dimensions.
func (m wMSE) subBatch() int { return max(m.Count("sub_batch"), 2*int(m.Config.Dim)) }

func (m wMSE) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	n := int(s.Size(p.Z[0], 0))
	// The sub-batches are the same wherever a step's loss is computed again: at the fast weights, or after a resume.
	rng := rand.New(rand.NewPCG(p.Clock.Seed, uint64(p.Clock.Step)))
	orders := make([][]int64, max(1, m.Count("iterations")))
	for k := range orders {
		for _, i := range rng.Perm(n) {
			orders[k] = append(orders[k], int64(i))
		}
	}
	return losses.WMSE(s, p.Z, losses.WMSEConfig{Size: m.subBatch(), Eps: m.Option("epsilon"), Orders: orders})
}

// NotFinite implements model.Explainer: on a device a singular covariance shows in the loss alone.
func (m wMSE) NotFinite() string { return losses.Singular(m.subBatch(), int(m.Config.Dim)) }
