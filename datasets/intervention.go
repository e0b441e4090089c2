package datasets

import (
	"fmt"

	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/transforms"
)

// Intervention changes a decoded picture before a view of it is made. Its methods may be called from several
// goroutines. interventions.Swap is one.
type Intervention interface {
	// Apply returns picture i, decoded as src, as view v of an epoch is to show it: src itself, or a picture in buffer,
	// whose memory is used again. It depends on (epoch, i, v) alone.
	Apply(src transforms.Image, epoch uint64, i, v int, buffer *transforms.Image) (transforms.Image, error)
}

// KeptIntervention is an Intervention on pictures that a device keeps. interventions.Kept is one.
type KeptIntervention interface {
	// Choose draws, on the host, the picture that view v of picture i takes something of, or i for none.
	Choose(epoch uint64, i, v int) (donor int)
	// Apply changes pictures [n, 3, H, W] (bytes), whose numbers in the data set are own, by the donors of those numbers.
	Apply(s *torch.Scope, pictures torch.Tensor, own, donors []int64) torch.Tensor
}

// checkIntervention reports options that do not fit together.
func (o *LoaderOptions) checkIntervention() error {
	switch {
	case o.Intervene != nil && o.Kept != nil && o.InterveneKept == nil:
		return fmt.Errorf("datasets: Intervene with Kept needs InterveneKept, which acts on kept pictures")
	case o.Order != nil && !o.DropLast:
		return fmt.Errorf("datasets: Order needs DropLast: it gives whole batches")
	}
	return nil
}
