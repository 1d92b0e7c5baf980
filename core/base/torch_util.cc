#include "core/base/torch_util.h"

#include <torch/script.h>

#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"

namespace deepbindnet {

absl::Status ExceptionToStatus(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string message = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
  const bool out_of_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                             absl::StrContains(message, "out of memory") ||
                             absl::StrContains(message, "can't allocate memory");
  if (out_of_memory) return absl::ResourceExhaustedError(absl::StrCat("out of memory: ", message));
  return absl::InternalError(message);
}

absl::Status CheckShape(const torch::Tensor& tensor, absl::string_view name, const std::vector<int64_t>& expected) {
  if (!tensor.defined()) return absl::InternalError(absl::StrCat(name, ": undefined tensor"));
  const std::vector<int64_t> sizes = tensor.sizes().vec();
  bool matches = sizes.size() == expected.size();
  for (size_t i = 0; matches && i < sizes.size(); ++i) matches = expected[i] == -1 || expected[i] == sizes[i];
  if (matches) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(name, ": shape [", absl::StrJoin(sizes, ", "), "], expected [",
                                          absl::StrJoin(expected, ", "), "]"));
}

TensorDict MakeTensorDict() { return TensorDict(c10::StringType::get(), c10::AnyType::get()); }

absl::Status SaveDict(const std::string& path, const TensorDict& dict) {
  return CatchTorch([&]() -> absl::Status {
    const std::vector<char> bytes = torch::pickle_save(torch::IValue(dict));
    return WriteFileAtomically(path, absl::string_view(bytes.data(), bytes.size()));
  });
}

absl::StatusOr<TensorDict> LoadDict(const std::string& path) {
  DBN_ASSIGN_OR_RETURN(const std::string contents, ReadFile(path));
  auto loaded = CatchTorch([&]() -> absl::StatusOr<torch::IValue> {
    return torch::pickle_load(std::vector<char>(contents.begin(), contents.end()));
  });
  if (!loaded.ok() || !loaded->isGenericDict()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file of this program or is damaged"));
  }
  return loaded->toGenericDict();
}

absl::StatusOr<torch::Tensor> GetTensor(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isTensor()) {
    return absl::InvalidArgumentError(absl::StrCat("no tensor '", key, "'"));
  }
  return found->value().toTensor();
}

absl::StatusOr<std::string> GetString(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isString()) {
    return absl::InvalidArgumentError(absl::StrCat("no string '", key, "'"));
  }
  return found->value().toStringRef();
}

}  // namespace deepbindnet
