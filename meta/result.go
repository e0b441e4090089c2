package meta

import "github.com/icl-msr/icl-msr/torch"

// Result is the meta gradient and its terms. Its numbers are 0 until Read.
type Result struct {
	Grad           []torch.Tensor // of L_ct(theta1) + gamma L_uni by phi
	GradCT         []torch.Tensor // of L_ct(theta1) alone
	GradUni        []torch.Tensor // of L_uni alone; nil with less than two weight vectors
	Fast           []torch.Tensor // theta1
	Figures        torch.Tensor   // float64, on the device: the numbers below in their order
	LCt, LMsr      float64        // at theta
	LCtFast        float64        // L_ct at theta1
	LUni           float64
	NormCT         float64 // |GradCT|
	NormUni        float64 // |gamma GradUni|, before any balancing
	EffectiveGamma float64 // gamma after balancing
}

// Read waits for the device and fills in the numbers, in one transfer.
func (r *Result) Read(s *torch.Scope) error {
	r.set(torch.Slice[float64](s, r.Figures))
	return s.Err()
}

// numbers is the number of numbers of a Result.
const numbers = 7

// set fills in numbers that were read.
func (r *Result) set(v []float64) {
	if len(v) < numbers {
		return
	}
	for i, at := range []*float64{&r.LCt, &r.LMsr, &r.LCtFast, &r.LUni, &r.NormCT, &r.NormUni, &r.EffectiveGamma} {
		*at = v[i]
	}
}

// measured is a result whose numbers are scalars on the device. An undefined one is 0.
type measured struct {
	Result
	ct, msr, ctFast, uni, normCT, normUni, gamma torch.Tensor
}
