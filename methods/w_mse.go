package methods

import (
	"math/rand/v2"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/torch"

	"github.com/icl-msr/icl-msr/losses"
)

// wMSE is Ermolov et al. 2021: the views' embeddings, whitened in random
// sub-batches, are drawn together.
type wMSE struct{ base }

func newWMSE(c Config) model.Method { return wMSE{base{c, "w_mse"}} }

// Views are two, or four of which each pair is drawn together.
func (m wMSE) Views() []model.View {
	views := make([]model.View, max(2, m.c.count("views")))
	for v := range views {
		views[v] = model.Strong
	}
	return views
}

func (m wMSE) Loss(s *torch.Scope, p *model.Pass) torch.Tensor {
	n := int(s.Size(p.Z[0], 0))
	// The sub-batches are the same wherever a step's loss is taken again: at the
	// fast weights, or after resuming.
	rng := rand.New(rand.NewPCG(p.Clock.Seed, uint64(p.Clock.Step)))
	orders := make([][]int64, max(1, m.c.count("iterations")))
	for k := range orders {
		for _, i := range rng.Perm(n) {
			orders[k] = append(orders[k], int64(i))
		}
	}
	// The paper's sub-batch is 128, twice the 64 dimensions.
	size := max(m.c.count("sub_batch"), 2*int(m.c.Dim))
	return losses.WMSE(s, p.Z, losses.WMSEConfig{Size: size, Eps: m.c.option("epsilon"), Orders: orders})
}

// NotFinite implements Explainer: on a device a covariance that is singular shows
// in the loss alone.
func (m wMSE) NotFinite() string {
	return losses.Singular(max(m.c.count("sub_batch"), 2*int(m.c.Dim)), int(m.c.Dim))
}
