#include "core/compute/device_kernels.h"

#ifdef DEEPBINDNET_CUDA
#include <c10/cuda/CUDAStream.h>

#include "core/compute/cuda_kernels.h"
#endif

namespace deepbindnet {

#ifdef DEEPBINDNET_CUDA

bool HasKernels(const torch::Device& device) { return device.is_cpu() || device.is_cuda(); }

const Kernels& KernelsOf(const torch::Device& device) {
  return device.is_cuda() ? CudaKernels(c10::cuda::getCurrentCUDAStream(device.index()).stream()) : BestKernels();
}

#else

bool HasKernels(const torch::Device& device) { return device.is_cpu(); }

const Kernels& KernelsOf(const torch::Device& /*device*/) { return BestKernels(); }

#endif

}  // namespace deepbindnet
