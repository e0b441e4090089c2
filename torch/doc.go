// Package torch is the binding to LibTorch beside gotch: scopes and tensors, numbers in and
// out, devices, seeds, grad mode, derivatives of every kind, and the fused blocks that keep a
// training step's overhead small. gotch is the vocabulary of devices and dtypes, and its tensors
// convert both ways without a copy.
//
//	err := torch.With(func(s *torch.Scope) error {
//		x := torch.FromSlice(s, []float32{1, 2, 3, 4}, torch.CPU(), 2, 2)
//		y := s.Sum(s.Square(x))
//		fmt.Println(s.Item(y)) // 30
//		return s.Err()
//	})
//
// The rules:
//
//   - A tensor belongs to the scope that made it and is dead once that scope is closed.
//     [Scope.Hold] gives another scope a handle of its own. Nothing waits for the garbage
//     collector, and no finalizer runs.
//   - Operations are methods on the scope. The scope keeps the first error and then does nothing
//     more: ask Err once, at the end of a step.
//   - One goroutine at a time uses a scope.
//   - Grad mode and forward-mode levels belong to the OS thread: [SetGrad], [NoGrad] and
//     [Scope.JVP] hold it as long as they last. Each OS thread also has its own OpenMP team. Code
//     that calls LibTorch in a loop holds runtime.LockOSThread, so that the teams stay few.
//   - An operation works in place only if its comment says so.
//   - An error is the value of the call that failed: LibTorch's first line. With
//     TORCH_SHOW_CPP_STACKTRACES=1 the C++ backtrace follows it.
//
// The operations, by kind: Zeros, Full, Arange, Normal, Uniform; Add, Sub, Mul, Div, MatMul,
// MulScalar, AddScalar; Exp, Log, Sqrt, Square, Pow, Tanh, Sigmoid, ReLU; Sum, Mean, SumDim,
// MeanDim, LogSumExp, LogSoftmax; Reshape, Transpose, Narrow, Select, Cat, Stack, Gather,
// IndexSelect, Where, MaskedFill; Linear, Conv2d, MaxPool2d, BatchNorm, CrossEntropy, Normalize;
// Cholesky, Eigh; Leaves, Grad, JVP, Detach; Item, Shape, Size, To, Copy.
package torch
