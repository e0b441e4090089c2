package methods

import "github.com/icl-msr/icl-msr/model"

// infoMin is Tian et al. 2020 (arXiv 2005.10243), what makes for good views: MoCo on views that RandAugment drives
// further apart.
type infoMin struct{ moco }

func newInfoMin(b Base) model.Method { return infoMin{moco{b}} }

func (m infoMin) Views() []model.View { return []model.View{model.Rand, model.Rand} }
