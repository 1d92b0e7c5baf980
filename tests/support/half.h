// Types of matrix products for tests.
#ifndef DEEPBINDNET_TESTS_SUPPORT_HALF_H_
#define DEEPBINDNET_TESTS_SUPPORT_HALF_H_

#include <torch/torch.h>

namespace deepbindnet {

// bf16, or fp32 where `mixed_precision` is false.
inline c10::optional<torch::Dtype> Bf16If(bool mixed_precision) {
  return mixed_precision ? c10::optional<torch::Dtype>(torch::kBFloat16) : c10::nullopt;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_HALF_H_
