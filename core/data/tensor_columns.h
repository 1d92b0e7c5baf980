// Vectors as tensors of a TensorDict and back, checked: what a file holds is not trusted.
#ifndef DEEPBINDNET_CORE_DATA_TENSOR_COLUMNS_H_
#define DEEPBINDNET_CORE_DATA_TENSOR_COLUMNS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/compute/torch_util.h"

namespace deepbindnet {

// [values.size()], or [values.size() / width, width] where width is above 0. Copies.
template <typename T>
torch::Tensor MakeColumn(const std::vector<T>& values, int64_t width = 0) {
  const auto count = static_cast<int64_t>(values.size());
  torch::Tensor tensor = torch::empty({count}, torch::CppTypeToScalarType<T>::value);
  std::copy(values.begin(), values.end(), tensor.template data_ptr<T>());
  return width > 0 ? tensor.view({count / width, width}) : tensor;
}

// The tensor `key` as a flat vector. INVALID_ARGUMENT unless it is a dense CPU tensor of type T and shape [rows], or
// [rows, width] where width is above 0; rows of -1 matches any.
template <typename T>
absl::StatusOr<std::vector<T>> GetColumn(const TensorDict& dict, const std::string& key, int64_t rows,
                                         int64_t width = 0) {
  DBN_ASSIGN_OR_RETURN(const torch::Tensor tensor, GetTensor(dict, key));
  const bool fits = tensor.defined() && tensor.layout() == torch::kStrided && tensor.is_cpu() &&
                    tensor.scalar_type() == torch::CppTypeToScalarType<T>::value &&
                    tensor.dim() == (width > 0 ? 2 : 1) && (width == 0 || tensor.size(1) == width) &&
                    (rows == -1 || tensor.size(0) == rows);
  if (!fits) return absl::InvalidArgumentError(absl::StrCat("'", key, "' has another shape or type than expected"));
  const torch::Tensor dense = tensor.contiguous();
  const T* values = dense.data_ptr<T>();
  return std::vector<T>(values, values + dense.numel());
}

// INVALID_ARGUMENT unless every value is in [0, bound).
template <typename T>
absl::Status CheckRange(const std::vector<T>& values, int64_t bound, const std::string& key) {
  for (const T value : values) {
    if (static_cast<int64_t>(value) < 0 || static_cast<int64_t>(value) >= bound) {
      return absl::InvalidArgumentError(absl::StrCat("'", key, "' has the value ", static_cast<int64_t>(value),
                                                     ", which is not in [0, ", bound, ")"));
    }
  }
  return absl::OkStatus();
}

// The entry `key` as a list of strings or a number; INVALID_ARGUMENT where it is missing or of another type.
absl::StatusOr<std::vector<std::string>> GetStrings(const TensorDict& dict, const std::string& key);
absl::StatusOr<int64_t> GetInt(const TensorDict& dict, const std::string& key);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_TENSOR_COLUMNS_H_
