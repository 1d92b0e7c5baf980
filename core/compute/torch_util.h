// What every user of LibTorch here shares: turning its exceptions into Status, and shape checks at public boundaries.
// Includes torch: for .cc files and for headers that hold tensors.
#ifndef DEEPBINDNET_CORE_COMPUTE_TORCH_UTIL_H_
#define DEEPBINDNET_CORE_COMPUTE_TORCH_UTIL_H_

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

// Runs `body`, which returns a Status or a StatusOr, and turns a C++ exception into a Status: RESOURCE_EXHAUSTED for
// out of memory, INTERNAL for the rest, with the message but without LibTorch's backtrace.
absl::Status ExceptionToStatus(const std::exception& error);
template <typename Body>
auto CatchTorch(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return ExceptionToStatus(error);
  }
}

// INTERNAL unless `tensor` has the sizes `expected`, where -1 matches any size. `name` is for the message.
absl::Status CheckShape(const torch::Tensor& tensor, absl::string_view name, const std::vector<int64_t>& expected);

// An IValue dictionary with string keys, the shape of everything we write for Python's torch.load.
using TensorDict = c10::impl::GenericDict;
TensorDict MakeTensorDict();

// Writes atomically what `torch.load` reads in Python, weights_only=True included; reads it back without running any
// code from the file.
absl::Status SaveDict(const std::string& path, const TensorDict& dict);
absl::StatusOr<TensorDict> LoadDict(const std::string& path);

// The entry `key` as a tensor or a string; INVALID_ARGUMENT where it is missing or of another type.
absl::StatusOr<torch::Tensor> GetTensor(const TensorDict& dict, const std::string& key);
absl::StatusOr<std::string> GetString(const TensorDict& dict, const std::string& key);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_TORCH_UTIL_H_
