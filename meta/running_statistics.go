package meta

import (
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// averageStatistics ends a regular step without SyncBatchNorm: running statistics, which each rank has moved by its own
// pictures, become their mean over the ranks. The sum is in float64, so that what is equal on all ranks stays as it is.
func (t *Trainer) averageStatistics(s *torch.Scope) {
	if t.SyncBatchNorm || t.Group == nil {
		return
	}
	defer torch.SetGrad(false)()
	st := t.State
	double := st.options
	double.DType = gotch.Double
	var running, flat []torch.Tensor
	for _, b := range append(st.RunningStatistics(st.Buffers, st.ModelState), st.PhiBuffers...) {
		if gotch.IsFloatDType(s.Like(b).DType) { // a count of updates is the same everywhere
			running, flat = append(running, b), append(flat, s.Reshape(s.To(b, double), -1))
		}
	}
	if len(flat) == 0 {
		return
	}
	mean := s.MulScalar(s.AllReduce(t.Group, s.Cat(0, flat...)), 1/float64(t.Group.Size()))
	at := int64(0)
	for i, b := range running {
		n := s.Size(flat[i], 0)
		s.Copy(b, s.Reshape(s.Narrow(mean, 0, at, n), s.Shape(b)...))
		at += n
	}
}
