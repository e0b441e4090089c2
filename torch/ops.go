package torch

// #include "internal/shim/shim.h"
// #include "internal/shim/ops.h"
import "C"

import "unsafe"

func (s *Scope) unary(name string, op C.int, a Tensor) Tensor {
	return s.op(name, func(out *C.icl_tensor) C.icl_error { return C.icl_unary(out, op, a.c) })
}

func (s *Scope) binary(name string, op C.int, a, b Tensor) Tensor {
	return s.op(name, func(out *C.icl_tensor) C.icl_error { return C.icl_binary(out, op, a.c, b.c) })
}

func (s *Scope) scalar(name string, op C.int, a Tensor, x, y float64) Tensor {
	return s.op(name, func(out *C.icl_tensor) C.icl_error {
		return C.icl_scalar(out, op, a.c, C.double(x), C.double(y))
	})
}

func (s *Scope) reduce(name string, op C.int, a Tensor, keep bool, dims []int64) Tensor {
	return s.op(name, func(out *C.icl_tensor) C.icl_error {
		d, n := ints(dims)
		return C.icl_reduce(out, op, a.c, d, n, flag(keep))
	})
}

func (s *Scope) shaped(name string, op C.int, a Tensor, xs ...int64) Tensor {
	return s.op(name, func(out *C.icl_tensor) C.icl_error {
		d, n := ints(xs)
		return C.icl_shape(out, op, a.c, d, n)
	})
}

func flag(on bool) C.int {
	if on {
		return 1
	}
	return 0
}

// Neg returns -a.
func (s *Scope) Neg(a Tensor) Tensor { return s.unary("neg", C.ICL_NEG, a) }

// Exp returns e^a.
func (s *Scope) Exp(a Tensor) Tensor { return s.unary("exp", C.ICL_EXP, a) }

// Log returns the natural logarithm of a.
func (s *Scope) Log(a Tensor) Tensor { return s.unary("log", C.ICL_LOG, a) }

// Sqrt returns the square root of a.
func (s *Scope) Sqrt(a Tensor) Tensor { return s.unary("sqrt", C.ICL_SQRT, a) }

// Square returns a*a.
func (s *Scope) Square(a Tensor) Tensor { return s.unary("square", C.ICL_SQUARE, a) }

// Abs returns |a|.
func (s *Scope) Abs(a Tensor) Tensor { return s.unary("abs", C.ICL_ABS, a) }

// ReLU returns max(a, 0).
func (s *Scope) ReLU(a Tensor) Tensor { return s.unary("relu", C.ICL_RELU, a) }

// Sigmoid returns 1/(1+e^-a).
func (s *Scope) Sigmoid(a Tensor) Tensor { return s.unary("sigmoid", C.ICL_SIGMOID, a) }

// LogSigmoid returns log(1/(1+e^-a)) without overflow.
func (s *Scope) LogSigmoid(a Tensor) Tensor { return s.unary("log sigmoid", C.ICL_LOG_SIGMOID, a) }

// Tanh returns the hyperbolic tangent.
func (s *Scope) Tanh(a Tensor) Tensor { return s.unary("tanh", C.ICL_TANH, a) }

// T returns the transpose of a matrix.
func (s *Scope) T(a Tensor) Tensor { return s.unary("transpose", C.ICL_T, a) }

// Detach returns a constant with the memory of a, outside of the graph.
func (s *Scope) Detach(a Tensor) Tensor { return s.unary("detach", C.ICL_DETACH, a) }

// Clone returns a copy.
func (s *Scope) Clone(a Tensor) Tensor { return s.unary("clone", C.ICL_CLONE, a) }

// Contiguous returns a in row-major order.
func (s *Scope) Contiguous(a Tensor) Tensor { return s.unary("contiguous", C.ICL_CONTIGUOUS, a) }

// ChannelsLast returns a four-dimensional a with its channels innermost in memory.
func (s *Scope) ChannelsLast(a Tensor) Tensor {
	return s.unary("channels last", C.ICL_CHANNELS_LAST, a)
}

// Floor rounds down to whole numbers.
func (s *Scope) Floor(a Tensor) Tensor { return s.unary("floor", C.ICL_FLOOR, a) }

// Round rounds to the nearest whole number, halves to the even one.
func (s *Scope) Round(a Tensor) Tensor { return s.unary("round", C.ICL_ROUND, a) }

// ZerosLike returns zeros of a's shape, dtype and device.
func (s *Scope) ZerosLike(a Tensor) Tensor { return s.unary("zeros like", C.ICL_ZEROS_LIKE, a) }

// OnesLike returns ones of a's shape, dtype and device.
func (s *Scope) OnesLike(a Tensor) Tensor { return s.unary("ones like", C.ICL_ONES_LIKE, a) }

// Sum returns the sum of all entries.
func (s *Scope) Sum(a Tensor) Tensor { return s.unary("sum", C.ICL_SUM_ALL, a) }

// Mean returns the mean of all entries.
func (s *Scope) Mean(a Tensor) Tensor { return s.unary("mean", C.ICL_MEAN_ALL, a) }

// Finite reports whether no entry of a is infinite or NaN.
func (s *Scope) Finite(a Tensor) bool { return s.Item(s.unary("is finite", C.ICL_IS_FINITE, a)) != 0 }

// Add returns a + b, broadcast.
func (s *Scope) Add(a, b Tensor) Tensor { return s.binary("add", C.ICL_ADD, a, b) }

// Sub returns a - b, broadcast.
func (s *Scope) Sub(a, b Tensor) Tensor { return s.binary("sub", C.ICL_SUB, a, b) }

// Mul returns a * b entry by entry, broadcast.
func (s *Scope) Mul(a, b Tensor) Tensor { return s.binary("mul", C.ICL_MUL, a, b) }

// Div returns a / b entry by entry, broadcast.
func (s *Scope) Div(a, b Tensor) Tensor { return s.binary("div", C.ICL_DIV, a, b) }

// MatMul returns the matrix product, batched over leading dimensions.
func (s *Scope) MatMul(a, b Tensor) Tensor { return s.binary("matmul", C.ICL_MATMUL, a, b) }

// Eq returns the mask a == b.
func (s *Scope) Eq(a, b Tensor) Tensor { return s.binary("eq", C.ICL_EQ, a, b) }

// Gt returns the mask a > b.
func (s *Scope) Gt(a, b Tensor) Tensor { return s.binary("gt", C.ICL_GT, a, b) }

// Where returns a where the mask is true, and b elsewhere, broadcast.
func (s *Scope) Where(mask, a, b Tensor) Tensor {
	return s.op("where", func(out *C.icl_tensor) C.icl_error { return C.icl_where(out, mask.c, a.c, b.c) })
}

// AddScalar returns a + x.
func (s *Scope) AddScalar(a Tensor, x float64) Tensor { return s.scalar("add", C.ICL_ADD_S, a, x, 0) }

// MulScalar returns a * x.
func (s *Scope) MulScalar(a Tensor, x float64) Tensor { return s.scalar("mul", C.ICL_MUL_S, a, x, 0) }

// Scaled returns a * x for a scalar tensor x, which the host does not read.
func (s *Scope) Scaled(a, x Tensor) Tensor {
	return s.op("scaled", func(out *C.icl_tensor) C.icl_error { return C.icl_scaled(out, a.c, x.c) })
}

// ClampMin returns max(a, x).
func (s *Scope) ClampMin(a Tensor, x float64) Tensor {
	return s.scalar("clamp min", C.ICL_CLAMP_MIN, a, x, 0)
}

// Clamp returns a, at least low and at most high.
func (s *Scope) Clamp(a Tensor, low, high float64) Tensor {
	return s.scalar("clamp", C.ICL_CLAMP, a, low, high)
}

// Pow returns a to the power x.
func (s *Scope) Pow(a Tensor, x float64) Tensor { return s.scalar("pow", C.ICL_POW_S, a, x, 0) }

// SumDim sums over dims.
func (s *Scope) SumDim(a Tensor, keep bool, dims ...int64) Tensor {
	return s.reduce("sum", C.ICL_SUM, a, keep, dims)
}

// MeanDim averages over dims.
func (s *Scope) MeanDim(a Tensor, keep bool, dims ...int64) Tensor {
	return s.reduce("mean", C.ICL_MEAN, a, keep, dims)
}

// VarDim returns the biased variance over dims.
func (s *Scope) VarDim(a Tensor, keep bool, dims ...int64) Tensor {
	return s.reduce("var", C.ICL_VAR, a, keep, dims)
}

// NormDim returns the Euclidean norm over dims.
func (s *Scope) NormDim(a Tensor, keep bool, dims ...int64) Tensor {
	return s.reduce("norm", C.ICL_NORM, a, keep, dims)
}

// MaxDim returns the largest entries over dims.
func (s *Scope) MaxDim(a Tensor, keep bool, dims ...int64) Tensor {
	return s.reduce("max", C.ICL_AMAX, a, keep, dims)
}

// LogSumExp returns log sum exp over dims without overflow.
func (s *Scope) LogSumExp(a Tensor, keep bool, dims ...int64) Tensor {
	return s.reduce("logsumexp", C.ICL_LOGSUMEXP, a, keep, dims)
}

// LogSoftmax returns a minus its log sum exp along dim.
func (s *Scope) LogSoftmax(a Tensor, dim int64) Tensor {
	return s.reduce("log softmax", C.ICL_LOG_SOFTMAX, a, false, []int64{dim})
}

// ArgMax returns the index of the largest entry along dim.
func (s *Scope) ArgMax(a Tensor, dim int64) Tensor {
	return s.reduce("argmax", C.ICL_ARGMAX, a, false, []int64{dim})
}

// Reshape returns a with another shape; one size may be -1.
func (s *Scope) Reshape(a Tensor, shape ...int64) Tensor {
	return s.shaped("reshape", C.ICL_RESHAPE, a, shape...)
}

// Expand repeats dimensions of size 1 without a copy.
func (s *Scope) Expand(a Tensor, shape ...int64) Tensor {
	return s.shaped("expand", C.ICL_EXPAND, a, shape...)
}

// Transpose exchanges two dimensions.
func (s *Scope) Transpose(a Tensor, d0, d1 int64) Tensor {
	return s.shaped("transpose", C.ICL_TRANSPOSE, a, d0, d1)
}

// Narrow returns n entries from start along dim, sharing memory.
func (s *Scope) Narrow(a Tensor, dim, start, n int64) Tensor {
	return s.shaped("narrow", C.ICL_NARROW, a, dim, start, n)
}

// Unsqueeze inserts a dimension of size 1.
func (s *Scope) Unsqueeze(a Tensor, dim int64) Tensor {
	return s.shaped("unsqueeze", C.ICL_UNSQUEEZE, a, dim)
}

// Select returns entry i along dim, without that dimension.
func (s *Scope) Select(a Tensor, dim, i int64) Tensor {
	return s.shaped("select", C.ICL_SELECT, a, dim, i)
}

// IndexSelect returns the entries of a along dim at the places in the int64 vector index.
func (s *Scope) IndexSelect(a Tensor, dim int64, index Tensor) Tensor {
	return s.op("index select", func(out *C.icl_tensor) C.icl_error {
		return C.icl_index(out, C.ICL_INDEX_SELECT, a.c, index.c, C.int64_t(dim))
	})
}

// IndexCopy returns a with the entries along dim at the places in the int64 vector index replaced by those of rows.
func (s *Scope) IndexCopy(a Tensor, dim int64, index, rows Tensor) Tensor {
	return s.op("index copy", func(out *C.icl_tensor) C.icl_error {
		return C.icl_index_copy(out, a.c, C.int64_t(dim), index.c, rows.c)
	})
}

// Gather picks along dim, entry by entry, as torch.gather does.
func (s *Scope) Gather(a Tensor, dim int64, index Tensor) Tensor {
	return s.op("gather", func(out *C.icl_tensor) C.icl_error {
		return C.icl_index(out, C.ICL_GATHER, a.c, index.c, C.int64_t(dim))
	})
}

// MaskedFill writes v where the mask is true.
func (s *Scope) MaskedFill(a, mask Tensor, v float64) Tensor {
	return s.op("masked fill", func(out *C.icl_tensor) C.icl_error {
		return C.icl_masked_fill(out, a.c, mask.c, C.double(v))
	})
}

// Cat joins tensors along dim.
func (s *Scope) Cat(dim int64, ts ...Tensor) Tensor { return s.join("cat", 0, dim, ts) }

// Stack joins tensors along a new dim.
func (s *Scope) Stack(dim int64, ts ...Tensor) Tensor { return s.join("stack", 1, dim, ts) }

func (s *Scope) join(name string, stack C.int, dim int64, ts []Tensor) Tensor {
	return s.op(name, func(out *C.icl_tensor) C.icl_error {
		p, n := handles(ts)
		return C.icl_join(out, p, n, C.int64_t(dim), stack)
	})
}

// TopK returns the k largest (or smallest) entries along dim, in order, and their indices.
func (s *Scope) TopK(a Tensor, k, dim int64, largest bool) (values, indices Tensor) {
	if s.err != nil {
		return Tensor{}, Tensor{}
	}
	var v, i C.icl_tensor
	s.do("topk", func() C.icl_error {
		return C.icl_topk(&v, &i, a.c, C.int64_t(k), C.int64_t(dim), flag(largest))
	})
	return s.own(v), s.own(i)
}

// handles returns a list of tensors as the array of handles that it is in memory.
func handles(ts []Tensor) (*C.icl_tensor, C.int) {
	return (*C.icl_tensor)(unsafe.Pointer(unsafe.SliceData(ts))), C.int(len(ts))
}
