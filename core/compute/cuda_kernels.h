// The loops of kernels.h on a GPU.
#ifndef DEEPBINDNET_CORE_COMPUTE_CUDA_KERNELS_H_
#define DEEPBINDNET_CORE_COMPUTE_CUDA_KERNELS_H_

#include "core/compute/kernels.h"

namespace deepbindnet {

// Kernels whose pointers are the GPU's. What this thread starts runs on `stream`, a cudaStream_t of the current device,
// until it calls this again; nothing waits for it. A call throws std::runtime_error where it cannot be started, or is
// asked for weights. Sums of gradients are added up in any order: equal arguments give equal results up to rounding.
// Ranges of attend and pool have at most 6,144 rows.
const Kernels& CudaKernels(void* stream);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_CUDA_KERNELS_H_
