// The C interface to LibTorch for package torch: what gotch lacks or does too slowly. A function that can fail returns
// NULL, or a message that the caller frees with free. Errors are not kept between calls. An icl_tensor is a
// heap-allocated at::Tensor, as gotch's Ctensor is.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void* icl_tensor;
typedef char* icl_error;
typedef void* icl_module;  // a heap-allocated torch::jit::Module
typedef void* icl_store;
typedef void* icl_group;
typedef void* icl_late;

// Handles.
int64_t icl_live(void);
void icl_disown(void);  // stops counting a handle that another owner will delete
void icl_free(icl_tensor* ts, int n);
icl_error icl_alias(icl_tensor* out, icl_tensor t);
int64_t icl_reads(void);  // how often the host waited in these functions for a value of a device

// Creation. kind is a c10::ScalarType. device is the index of a CUDA device, -1 for the CPU, or -2 for the device of
// tests.
icl_error icl_from_data(icl_tensor* out, const void* data, const int64_t* shape, int dim, int kind, int device);
icl_error icl_full(icl_tensor* out, const int64_t* shape, int dim, double value, int kind, int device);
icl_error icl_arange(icl_tensor* out, int64_t from, int64_t to, int device);
icl_error icl_random(icl_tensor* out, const int64_t* shape, int dim, int normal, double a, double b, int kind,
                     int device);

// Description and contents.
icl_error icl_describe(icl_tensor t, int64_t* shape, int max_dim, int* dim, int* kind, int* device, int* requires_grad);
icl_error icl_copy_out(icl_tensor t, void* dst, int64_t bytes);
icl_error icl_copy_(icl_tensor dst, icl_tensor src);
icl_error icl_item(double* out, icl_tensor t);
icl_error icl_to(icl_tensor* out, icl_tensor t, int kind, int device);

// Numbers that the host does not wait for (late.cpp). icl_figures concatenates the entries of tensors as float64; a
// missing tensor counts as one zero. icl_late_read queues the copy of such a tensor to the host; icl_late_take waits
// for it.
icl_error icl_figures(icl_tensor* out, const icl_tensor* ts, int n);
icl_error icl_late_read(icl_late* out, icl_tensor t);
icl_error icl_late_take(double* out, int64_t n, icl_late l);
void icl_late_free(icl_late l);

// Operations, by the codes of ops.h.
icl_error icl_unary(icl_tensor* out, int op, icl_tensor a);
icl_error icl_binary(icl_tensor* out, int op, icl_tensor a, icl_tensor b);
icl_error icl_scalar(icl_tensor* out, int op, icl_tensor a, double x, double y);
icl_error icl_reduce(icl_tensor* out, int op, icl_tensor a, const int64_t* dims, int n, int keep);
icl_error icl_shape(icl_tensor* out, int op, icl_tensor a, const int64_t* xs, int n);
icl_error icl_index(icl_tensor* out, int op, icl_tensor a, icl_tensor index, int64_t dim);
icl_error icl_where(icl_tensor* out, icl_tensor mask, icl_tensor a, icl_tensor b);
icl_error icl_index_copy(icl_tensor* out, icl_tensor a, int64_t dim, icl_tensor index, icl_tensor rows);
icl_error icl_masked_fill(icl_tensor* out, icl_tensor a, icl_tensor mask, double value);
icl_error icl_join(icl_tensor* out, const icl_tensor* ts, int n, int64_t dim, int stack);
icl_error icl_topk(icl_tensor* values, icl_tensor* indices, icl_tensor a, int64_t k, int64_t dim, int largest);

// Decompositions.
icl_error icl_eigh(icl_tensor* values, icl_tensor* vectors, icl_tensor a);
// ok: a is positive definite. On a device ok is always set; the factor is NaN if a is not positive definite.
icl_error icl_cholesky(icl_tensor* factor, int* ok, icl_tensor a);
icl_error icl_solve_triangular(icl_tensor* out, icl_tensor a, icl_tensor b, int upper);

// Layers.
icl_error icl_linear(icl_tensor* out, icl_tensor x, icl_tensor w, icl_tensor b);
icl_error icl_conv2d(icl_tensor* out, icl_tensor x, icl_tensor w, icl_tensor b, int64_t stride, int64_t pad);
icl_error icl_max_pool2d(icl_tensor* out, icl_tensor x, int64_t k, int64_t stride, int64_t pad);
icl_error icl_cross_entropy(icl_tensor* out, icl_tensor logits, icl_tensor target);
icl_error icl_normalize(icl_tensor* out, icl_tensor x);

// Batch normalisation.
//   batch     use the statistics of the batch, else the running statistics
//   update    move the running statistics by momentum
//   twice     a gradient will be differentiated again
//   rows > 0  the statistics of the batch are those of its first rows only
//   group     the statistics of the batch are those of all ranks of the group
typedef struct {
  int batch, update, twice;
  int64_t rows;
  double momentum, eps;
  icl_group group;
} icl_bn_mode;
icl_error icl_batch_norm(icl_tensor* out, icl_tensor x, icl_tensor w, icl_tensor b, icl_tensor mean, icl_tensor var,
                         icl_tensor count, icl_bn_mode m);
// Convolution, batch norm, and an optional residual and ReLU in one call.
icl_error icl_conv_bn(icl_tensor* out, icl_tensor x, icl_tensor conv, icl_tensor w, icl_tensor b, icl_tensor mean,
                      icl_tensor var, icl_tensor count, icl_tensor residual, int64_t stride, int64_t pad, int relu,
                      icl_bn_mode m);

// One call for a whole list of tensors.
icl_error icl_list_axpy(icl_tensor* out, const icl_tensor* x, const icl_tensor* y, double a,
                        int n);  // x + a*y
// The inner product, a float64 scalar on the device of x. On the CPU its terms are summed in order.
icl_error icl_list_dot(icl_tensor* out, const icl_tensor* x, const icl_tensor* y, int n);
// x + a y, and a x, for a scalar tensor a.
icl_error icl_list_axpy_by(icl_tensor* out, const icl_tensor* x, const icl_tensor* y, icl_tensor a, int n);
icl_error icl_scaled(icl_tensor* out, icl_tensor x, icl_tensor a);
icl_error icl_list_lerp_(const icl_tensor* x, const icl_tensor* y, double weight,
                         int n);  // x += weight*(y-x)
icl_error icl_list_add_(const icl_tensor* x, const icl_tensor* y, int n);
icl_error icl_adam_(const icl_tensor* p, const icl_tensor* g, const icl_tensor* m, const icl_tensor* v, int n,
                    int64_t step, double lr, double beta1, double beta2, double eps, double decay);
icl_error icl_sgd_(const icl_tensor* p, const icl_tensor* g, const icl_tensor* m, int n, int first, double lr,
                   double momentum, int nesterov, const double* decay);
icl_error icl_lars_(const icl_tensor* p, const icl_tensor* g, const icl_tensor* m, int n, double lr, double momentum,
                    double trust, const double* decay, const uint8_t* adapt);

// Derivatives.
icl_error icl_set_requires_grad(icl_tensor t, int on);
icl_error icl_grad(icl_tensor* out, const icl_tensor* outputs, int n_out, const icl_tensor* inputs, int n_in,
                   const icl_tensor* grad_outputs, int retain, int create, int allow_unused);
int icl_grad_enabled(void);
void icl_set_grad_enabled(int on);
icl_error icl_enter_dual_level(uint64_t* level);
icl_error icl_exit_dual_level(uint64_t level);
icl_error icl_make_dual(icl_tensor* out, icl_tensor primal, icl_tensor tangent, uint64_t level);
icl_error icl_unpack_dual(icl_tensor* primal, icl_tensor* tangent, icl_tensor dual, uint64_t level);

// TorchScript. Each name ends with a newline. batch: the module's training flag. update: keep what the code writes to
// the buffers.
icl_error icl_script_load(icl_module* out, const char* path, int device);
void icl_script_free(icl_module m);
// Fails unless forward takes one tensor and returns one. batch, running: the number of batch norms for which the code
// always chooses the statistics of the batch, or the running statistics.
icl_error icl_script_check(icl_module m, int* batch, int* running);
icl_error icl_script_names(icl_module m, char** parameters, char** buffers);
icl_error icl_script_tensors(icl_module m, icl_tensor* parameters, int np, icl_tensor* buffers, int nb);
icl_error icl_script_run(icl_tensor* out, icl_module m, const icl_tensor* parameters, int np, const icl_tensor* buffers,
                         int nb, icl_tensor x, int batch, int update);
// Writes the archive of the module with other tensors, in evaluation mode.
icl_error icl_script_write(icl_module m, const icl_tensor* parameters, int np, const icl_tensor* buffers, int nb,
                           char** data, int64_t* size);
// Makes a module: first its tensors by dotted names, then its methods in TorchScript.
icl_error icl_script_new(icl_module* out);
icl_error icl_script_put(icl_module m, const char* name, icl_tensor t, int parameter);
icl_error icl_script_define(icl_module m, const char* source);
icl_error icl_script_save(icl_module m, char** data, int64_t* size);  // the caller frees data with free

// c10d: the key-value store by which processes find each other, and process groups. listen_fd is a bound socket on
// which the store is served, or -1 for a client.
icl_error icl_store_open(icl_store* out, const char* host, int port, int listen_fd, int64_t timeout_ms);
icl_error icl_store_prefix(icl_store* out, icl_store s, const char* prefix);
void icl_store_free(icl_store s);
icl_error icl_store_set(icl_store s, const char* key, const void* data, int64_t n);
icl_error icl_store_get(char** data, int64_t* n, icl_store s, const char* key, int64_t timeout_ms);
icl_error icl_store_add(int64_t* out, icl_store s, const char* key, int64_t delta);
icl_error icl_store_check(int* out, icl_store s, const char* key);
icl_error icl_group_open(icl_group* out, icl_store s, const char* backend, const char* address, int rank, int size,
                         int64_t timeout_ms);
int icl_group_backends(void);  // the sum of 1 for gloo and 2 for NCCL
void icl_group_free(icl_group g);
icl_error icl_group_broadcast_(const icl_tensor* ts, int n, int root, icl_group g);
icl_error icl_group_barrier(icl_group g);
void icl_group_traffic(icl_group g, int64_t* calls, int64_t* bytes, int64_t* busy_ns, int64_t* waited_ns);

// Collectives with derivatives (collectives.cpp). overlap: the gradients' sums run while other gradients are computed
// and are complete when icl_grad returns; xs must be leaves that are shared once.
icl_error icl_gather(icl_tensor* out, icl_tensor x, icl_group g);
icl_error icl_total(icl_tensor* out, icl_tensor x, icl_group g);
icl_error icl_share(icl_tensor* out, const icl_tensor* xs, int n, int64_t bucket, int overlap, icl_group g);

// The library.
icl_error icl_manual_seed(uint64_t seed);
icl_error icl_rng_state(icl_tensor* out, int device);
icl_error icl_set_rng_state(icl_tensor state, int device);
icl_error icl_set_threads(int n);
int icl_threads(void);
void icl_keep_memory(void);
void icl_return_memory(void);
const char* icl_version(void);         // the version that the program was compiled with
const char* icl_loaded_version(void);  // the version that was loaded; empty if unknown
icl_error icl_config(char** out);

// CUDA (cuda.cpp).
typedef struct {
  int built;            // whether this LibTorch was built for CUDA; if not, all fields below are 0
  int status;           // of cudaGetDeviceCount; said has its text
  int devices;          // 0 after an error
  int driver, runtime;  // the newest CUDA that the driver supports, and the loaded runtime, as 12020; 0: unknown
  int cudnn;            // version; 0 without cuDNN
  char said[256];
} icl_cuda_state;
typedef struct {
  char name[256];
  int major, minor;  // compute capability
  int mode;          // compute mode: 0 shared, 2 prohibited, 3 one process at a time
  int64_t memory;    // bytes in all
} icl_cuda_card;
int icl_cuda_devices(void);
icl_error icl_cuda_survey(icl_cuda_state* out);
icl_error icl_cuda_describe(icl_cuda_card* out, int device);
// The device's free and total bytes, over all processes. The result is 0 if CUDA does not answer.
int icl_cuda_memory(int device, int64_t* free, int64_t* total);
// CUDA's part of LibTorch's description of its build; empty in a build for the CPU.
icl_error icl_cuda_config(char** out);
// The PCI address of the GPU behind a device, which identifies it. The result is 0 if the address is unknown.
int icl_cuda_address(int device, char* out, int n);
icl_error icl_cuda_synchronize(int device);
int icl_nccl_version(void);  // as 21801; 0 without NCCL
// How CUDA computes, in this process.
typedef struct {
  int deterministic, autotune, tf32_convolutions, tf32_products;
} icl_cuda_numerics;
icl_error icl_cuda_set_numerics(icl_cuda_numerics n);
icl_error icl_cuda_get_numerics(icl_cuda_numerics* out);

// Copies that run while a CUDA device computes, and marks in its queue (upload.cpp).
typedef void* icl_mark;
// As icl_from_data. To a CUDA device the data go through page-locked memory and on a stream of their own. The host does
// not wait; work that is queued on the current stream from now on does.
icl_error icl_upload(icl_tensor* out, const void* data, const int64_t* shape, int dim, int kind, int device);
icl_error icl_mark_new(icl_mark* out, int device);
void icl_mark_free(icl_mark m);
icl_error icl_mark_passed(int* out, icl_mark m);
icl_error icl_mark_between(double* seconds, icl_mark from, icl_mark to);  // the device must have passed both

#ifdef __cplusplus
}
#endif
