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

// Writes atomically what `torch.load` reads in Python, weights_only=True included. A record of the archive has the
// SHA-256 of the others (docs/formats/processed.md). Sets `digest`, where there is one, to the SHA-256 of the whole
// file, as Sha256Hex().
absl::Status SaveDict(const std::string& path, const TensorDict& dict, std::string* digest = nullptr);

// Reads what SaveDict() wrote, without running any code from the file. All tensors are on the CPU, and none reaches
// beyond the file's bytes. INVALID_ARGUMENT where the file is another's or a byte of its contents has changed,
// RESOURCE_EXHAUSTED where memory ran out, both naming `path`; NOT_FOUND where there is no such file.
absl::StatusOr<TensorDict> LoadDict(const std::string& path);
// The same of a file that has been read; `path` is for messages.
absl::StatusOr<TensorDict> ParseDict(std::string contents, const std::string& path);

// A number as SaveDict() takes it: [] float64. The pickle's own numbers are refused by torch.load(weights_only=True) of
// PyTorch 1.13.
torch::Tensor MakeNumber(double value);

// The entry `key` as a tensor, a number (of MakeNumber), an integer in [low, high] or a string; INVALID_ARGUMENT where
// it is missing, of another type or out of range.
absl::StatusOr<torch::Tensor> GetTensor(const TensorDict& dict, const std::string& key);
absl::StatusOr<double> GetNumber(const TensorDict& dict, const std::string& key);
absl::StatusOr<int64_t> GetInteger(const TensorDict& dict, const std::string& key, int64_t low, int64_t high);
absl::StatusOr<std::string> GetString(const TensorDict& dict, const std::string& key);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_TORCH_UTIL_H_
