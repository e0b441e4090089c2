// Package torch is the binding to LibTorch beside gotch: scopes and tensors, conversion from and to Go slices, devices,
// seeds, grad mode, derivatives of every kind, and fused blocks that keep the overhead of a training step small.
// Devices and dtypes are gotch's types, and tensors convert to and from gotch's without a copy.
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
//   - A tensor belongs to the scope that made it and is invalid once that scope is closed. [Scope.Hold] gives another
//     scope a handle of its own. Tensors are not freed by the garbage collector or by finalizers.
//   - Operations are methods of the scope. The scope keeps the first error and then does nothing more. Call Err once,
//     at the end of a step.
//   - Only one goroutine at a time may use a scope.
//   - Grad mode and forward-mode levels belong to the OS thread: [SetGrad], [NoGrad] and [Scope.JVP] hold it while
//     they last. Each OS thread also has its own OpenMP team. Code that calls LibTorch in a loop should call
//     runtime.LockOSThread, so that there are few teams.
//   - An operation works in place only if its comment says so.
//   - An error is returned by the call that failed and has LibTorch's first line. With TORCH_SHOW_CPP_STACKTRACES=1
//     the C++ backtrace follows.
//
// The operations, by kind: Zeros, Full, Arange, Normal, Uniform; Add, Sub, Mul, Div, MatMul, MulScalar, AddScalar; Exp,
// Log, Sqrt, Square, Pow, Tanh, Sigmoid, ReLU; Sum, Mean, SumDim, MeanDim, LogSumExp, LogSoftmax; Reshape, Transpose,
// Narrow, Select, Cat, Stack, Gather, IndexSelect, Where, MaskedFill; Linear, Conv2d, MaxPool2d, BatchNorm,
// CrossEntropy, Normalize; Cholesky, Eigh; Leaves, Grad, JVP, Detach; Item, Shape, Size, To, Copy.
package torch
