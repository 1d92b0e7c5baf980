// The kernels of the device that a tensor is on. Includes torch.
#ifndef DEEPBINDNET_CORE_COMPUTE_DEVICE_KERNELS_H_
#define DEEPBINDNET_CORE_COMPUTE_DEVICE_KERNELS_H_

#include <torch/torch.h>

#include "core/compute/kernels.h"

namespace deepbindnet {

// Whether there are kernels for tensors on this device.
bool HasKernels(const torch::Device& device);

// They take pointers of the device. Those of a GPU run on its current stream, on which this thread starts them before
// it asks for kernels again. There are some.
const Kernels& KernelsOf(const torch::Device& device);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_DEVICE_KERNELS_H_
