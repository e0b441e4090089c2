package methods

// infoMin is Tian et al. 2020, what makes for good views: MoCo on views that
// RandAugment drives further apart.
type infoMin struct{ moco }

func newInfoMin(c Config) Method { return infoMin{moco{base{c, "infomin"}}} }

func (m infoMin) Views() []View { return []View{Rand, Rand} }
