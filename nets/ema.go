package nets

import (
	"math"

	"github.com/icl-msr/icl-msr/torch"
)

// EMA moves the target's parameters towards the online ones, in place: target = tau*target + (1-tau)*online (BYOL,
// arXiv 2006.07733, eq. 1).
func EMA(s *torch.Scope, target, online []torch.Tensor, tau float64) { s.Lerp(target, online, 1-tau) }

// EMATau is BYOL's cosine schedule of tau, from base at progress 0 to 1 at progress 1.
func EMATau(base, progress float64) float64 {
	return 1 - (1-base)*(math.Cos(math.Pi*progress)+1)/2
}
