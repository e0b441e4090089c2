// Package libtorch is the thin binding beside gotch: derivatives of every kind,
// tensor scopes, grad mode, random state and the fused blocks that keep a
// training step's overhead small. gotch stays the vocabulary of devices and
// dtypes, and its tensors convert both ways without a copy.
//
// Its rules:
//
//   - Tensors belong to a [Scope] and are freed when it closes; nothing waits for
//     the garbage collector, and no finalizer runs.
//   - Operations are methods on the scope, which keeps the first error.
//   - Grad mode and forward-mode levels belong to the OS thread: [SetGrad], [NoGrad]
//     and [Scope.JVP] hold it as long as they last. Each OS thread also has its own
//     OpenMP team: who calls LibTorch in a loop holds runtime.LockOSThread, so that
//     the teams stay few.
//   - An error is the value of the call that failed: LibTorch's first line. Set
//     TORCH_SHOW_CPP_STACKTRACES=1 to have the C++ backtrace with it.
package libtorch
