package meta

import "github.com/icl-msr/icl-msr/torch"

// Result is the meta gradient and what it was made of. Its numbers are those of
// Figures, once these have been read.
type Result struct {
	Grad           []torch.Tensor // of L_ct(theta1) + gamma L_uni by phi
	GradCT         []torch.Tensor // of L_ct(theta1) alone
	GradUni        []torch.Tensor // of L_uni alone; empty where gamma is 0
	Fast           []torch.Tensor // theta1
	Figures        torch.Tensor   // the numbers below in their order, float64, on the device
	LCt, LMsr      float64        // at theta
	LCtFast        float64        // L_ct at theta1
	LUni           float64
	NormCT         float64 // |GradCT|
	NormUni        float64 // |gamma GradUni|, before any balancing
	EffectiveGamma float64 // gamma after balancing
}

// Read fills in the numbers, in one transfer from the device, for which it waits.
func (r *Result) Read(s *torch.Scope) error {
	r.set(torch.Slice[float64](s, r.Figures))
	return s.Err()
}

// numbers is how many numbers a Result has.
const numbers = 7

// set fills in numbers that were read.
func (r *Result) set(v []float64) {
	for i, at := range []*float64{&r.LCt, &r.LMsr, &r.LCtFast, &r.LUni, &r.NormCT, &r.NormUni, &r.EffectiveGamma} {
		if len(v) >= numbers {
			*at = v[i]
		}
	}
}

// measured is a result whose numbers are still scalars on the device; none is 0.
type measured struct {
	Result
	ct, msr, ctFast, uni, normCT, normUni, gamma torch.Tensor
}
