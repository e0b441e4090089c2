package meta

// Step are the figures of one step, for hooks.
type Step struct {
	Epoch, Epochs int // from 0; of the whole run
	Phase         Phase
	Batch         int     // of the phase, from 0
	Batches       int     // of a phase in which none is left out
	Pictures      int     // of the batch
	Loss          float64 // L_to in the regular phase, the meta objective in the other
	LR            float64 // of theta's optimizer, or f_msr's
}

// Sums accumulate an epoch's figures, named as Epoch's. They are part of a checkpoint, so that a resumed epoch reports
// the same means.
type Sums struct {
	Steps    int     `json:"steps"`
	Meta     int     `json:"meta"`
	LCt      float64 `json:"l_ct"`
	LMsr     float64 `json:"l_msr"`
	LTo      float64 `json:"l_to"`
	MetaLCt  float64 `json:"meta_l_ct"`
	LCtFast  float64 `json:"l_ct_fast"`
	LUni     float64 `json:"l_uni"`
	NormCT   float64 `json:"norm_ct"`
	NormUni  float64 `json:"norm_uni"`
	Gamma    float64 `json:"gamma"`
	Pictures int     `json:"pictures"`
	Regular  float64 `json:"seconds_regular"`
	MetaSec  float64 `json:"seconds_meta"`
	Waited   float64 `json:"seconds_waited"`
	LastLR   float64 `json:"lr"`
	Spread   float64 `json:"embedding_std"`
	Rank     float64 `json:"effective_rank"` // of the epoch's last regular batch
}

// Epoch are the figures of one epoch: means over its steps. Losses are the paper's: L_to (eq. 5), L_ct (eq. 1 or the
// method's own), L_msr (eq. 6), L_uni (eq. 9). Norms are of gradients on f_msr. Epoch counts from 0, LR is the last
// regular step's, seconds are of a phase.
type Epoch struct {
	Epoch           int     `json:"epoch"`
	LR              float64 `json:"lr"`
	LTo             float64 `json:"l_to"`
	LCt             float64 `json:"l_ct"`
	LMsr            float64 `json:"l_msr,omitempty"`
	MetaLCt         float64 `json:"meta_l_ct,omitempty"`      // L_ct at theta, meta phase
	LCtFast         float64 `json:"meta_l_ct_fast,omitempty"` // L_ct at theta1
	LUni            float64 `json:"l_uni,omitempty"`
	NormMeta        float64 `json:"grad_norm_l_ct_fast,omitempty"` // of L_ct(theta1)
	NormUniformity  float64 `json:"grad_norm_l_uni,omitempty"`     // of gamma L_uni
	Gamma           float64 `json:"gamma,omitempty"`               // after balancing
	EmbeddingStd    float64 `json:"embedding_std"`                 // times sqrt(d): 1 is spread out, 0 collapsed
	EffectiveRank   float64 `json:"effective_rank"`                // of the last batch's embeddings: 1 to d
	Steps           int     `json:"steps"`
	MetaSteps       int     `json:"meta_steps"`
	ImagesPerSecond float64 `json:"images_per_second"`
	SecondsRegular  float64 `json:"seconds_regular"`
	SecondsMeta     float64 `json:"seconds_meta"`
	WaitShare       float64 `json:"data_wait_share"` // of the epoch's time, waiting for data
}

func (s Sums) epoch(n int) Epoch {
	k, m := float64(max(1, s.Steps)), float64(max(1, s.Meta))
	e := Epoch{
		Epoch:          n,
		LR:             s.LastLR,
		LTo:            s.LTo / k,
		LCt:            s.LCt / k,
		LMsr:           s.LMsr / k,
		MetaLCt:        s.MetaLCt / m,
		LCtFast:        s.LCtFast / m,
		LUni:           s.LUni / m,
		NormMeta:       s.NormCT / m,
		NormUniformity: s.NormUni / m,
		Gamma:          s.Gamma / m,
		EmbeddingStd:   s.Spread / k,
		EffectiveRank:  s.Rank,
		Steps:          s.Steps,
		MetaSteps:      s.Meta,
		SecondsRegular: s.Regular,
		SecondsMeta:    s.MetaSec,
	}
	if s.Regular > 0 {
		e.ImagesPerSecond = float64(s.Pictures) / s.Regular
	}
	if total := s.Regular + s.MetaSec; total > 0 {
		e.WaitShare = s.Waited / total
	}
	return e
}
