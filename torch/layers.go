package torch

// #include "internal/shim/shim.h"
import "C"

// Linear returns x wᵀ + b, for x [..., in], w [out, in] and b [out] or nil.
func (s *Scope) Linear(x, w, b Tensor) Tensor {
	return s.op("linear", func(out *C.icl_tensor) C.icl_error { return C.icl_linear(out, x.c, w.c, b.c) })
}

// Conv2d convolves x [N, in, H, W] with w [out, in, k, k], plus b [out] or nil.
func (s *Scope) Conv2d(x, w, b Tensor, stride, pad int64) Tensor {
	return s.op("conv2d", func(out *C.icl_tensor) C.icl_error {
		return C.icl_conv2d(out, x.c, w.c, b.c, C.int64_t(stride), C.int64_t(pad))
	})
}

// MaxPool2d takes the largest entry of each k x k window.
func (s *Scope) MaxPool2d(x Tensor, k, stride, pad int64) Tensor {
	return s.op("max pool2d", func(out *C.icl_tensor) C.icl_error {
		return C.icl_max_pool2d(out, x.c, C.int64_t(k), C.int64_t(stride), C.int64_t(pad))
	})
}

// CrossEntropy is the mean over rows of -log softmax(logits)[target], for
// logits [N, K] and int64 targets [N].
func (s *Scope) CrossEntropy(logits, target Tensor) Tensor {
	return s.op("cross entropy", func(out *C.icl_tensor) C.icl_error {
		return C.icl_cross_entropy(out, logits.c, target.c)
	})
}

// Normalize divides by the Euclidean norm along the last dimension. No norm that the dtype can hold underflows or
// overflows. A zero vector stays zero.
func (s *Scope) Normalize(x Tensor) Tensor {
	return s.op("normalize", func(out *C.icl_tensor) C.icl_error { return C.icl_normalize(out, x.c) })
}

// NormMode says which statistics batch norm uses and whether it updates the running ones.
type NormMode struct {
	Batch    bool    // statistics of the batch; otherwise the running ones
	Update   bool    // move the running statistics by Momentum
	Rows     int64   // if above 0, the statistics of the batch are those of its first Rows rows only
	Momentum float64 // 0.1 in PyTorch
	Eps      float64 // 1e-5 in PyTorch
	Twice    bool    // a gradient will be differentiated again
	Group    *Group  // the statistics are those of the rows of all ranks, the same number on each; nil: of x alone
}

func (m NormMode) c() C.icl_bn_mode {
	return C.icl_bn_mode{batch: flag(m.Batch), update: flag(m.Update), twice: flag(m.Twice), rows: C.int64_t(m.Rows),
		momentum: C.double(m.Momentum), eps: C.double(m.Eps), group: m.Group.handle()}
}

// Norm are the tensors of one batch norm over c channels: weight and bias [c], running mean and variance [c], and the
// number of updates (int64 scalar). A tensor that the mode does not need may be nil.
type Norm struct{ Weight, Bias, Mean, Var, Count Tensor }

// BatchNorm normalises x [N, c, ...] per channel.
func (s *Scope) BatchNorm(x Tensor, n Norm, m NormMode) Tensor {
	return s.op("batch norm", func(out *C.icl_tensor) C.icl_error {
		return C.icl_batch_norm(out, x.c, n.Weight.c, n.Bias.c, n.Mean.c, n.Var.c, n.Count.c, m.c())
	})
}

// ConvNorm is a convolution without bias, batch norm, and an optional residual and ReLU in one call:
// relu(norm(conv(x)) + residual).
func (s *Scope) ConvNorm(x, w Tensor, n Norm, residual Tensor, stride, pad int64, relu bool, m NormMode) Tensor {
	return s.op("conv2d and batch norm", func(out *C.icl_tensor) C.icl_error {
		return C.icl_conv_bn(out, x.c, w.c, n.Weight.c, n.Bias.c, n.Mean.c, n.Var.c, n.Count.c, residual.c,
			C.int64_t(stride), C.int64_t(pad), flag(relu), m.c())
	})
}
