// bf16 or fp16 matrix products where the device has them. What differs between LibTorch versions stands in the .cc
// file.
#ifndef DEEPBINDNET_CORE_MODEL_MIXED_PRECISION_H_
#define DEEPBINDNET_CORE_MODEL_MIXED_PRECISION_H_

#include <torch/torch.h>

#include <string>

#include "core/base/status.h"

namespace deepbindnet {

// True where bf16 products are faster than fp32: a CPU with AVX512-BF16 or AMX, or a CUDA device of the Ampere
// generation or newer.
bool SupportsBf16(const torch::Device& device);

// While it lives, matrix products on `device` that this thread starts run in `half`, kBFloat16 or on a GPU also kHalf,
// and everything else in the type of its inputs. Does nothing where `half` is empty. Not to be nested.
class MixedPrecisionScope {
 public:
  MixedPrecisionScope(const torch::Device& device, c10::optional<torch::Dtype> half);
  ~MixedPrecisionScope();
  MixedPrecisionScope(const MixedPrecisionScope&) = delete;
  MixedPrecisionScope& operator=(const MixedPrecisionScope&) = delete;

 private:
  const bool enabled_;
  const bool on_cpu_;
};

// "auto" is a GPU where there is one, else the CPU; INVALID_ARGUMENT where the name is none or the device is missing.
absl::StatusOr<torch::Device> ParseDevice(const std::string& name);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_MIXED_PRECISION_H_
