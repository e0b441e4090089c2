package train

import (
	"math"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/model"
)

// collapse warns that a run learns nothing, once for each of two signs.
type collapse struct{ alike, blind bool }

// Embeddings are alike below alikeStd: the standard deviation of unit embeddings times sqrt(d), which is 1 if they are
// spread out. Losses are alike if they differ by less than alikeLoss.
const (
	alikeStd  = 0.01
	alikeLoss = 1e-3
)

// note returns a note on an epoch, or nil.
func (c *collapse) note(m model.Method, batch int, e meta.Epoch) error {
	if e.Value("embedding_std") < alikeStd && !c.alike {
		c.alike = true
		return field.Errorf("note: the embeddings have collapsed: those of all pictures are alike (standard deviation %.1e "+
			"of 1, effective rank %.1f); lower {nets.LR}, or see the method's own remedies (target network, predictor, weights "+
			"of its terms)", e.Value("embedding_std"), e.Value("effective_rank"))
	}
	b, ok := m.(model.CollapseDetector)
	if !ok || c.blind {
		return nil
	}
	if loss := b.CollapsedLoss(batch); loss > 0 && math.Abs(e.Value("l_ct")-loss) < alikeLoss {
		c.blind = true
		return field.Errorf("note: the loss is ln %.0f = %.4f, that of embeddings that are all alike: this epoch learned "+
			"nothing; change {nets.LR}, {methods.Temperature} or {train.BatchSize}", math.Exp(loss), loss)
	}
	return nil
}
