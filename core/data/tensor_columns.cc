#include "core/data/tensor_columns.h"

namespace deepbindnet {

absl::StatusOr<std::vector<std::string>> GetStrings(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isList()) {
    return absl::InvalidArgumentError(absl::StrCat("no list '", key, "'"));
  }
  const c10::IValue list = found->value();
  std::vector<std::string> strings;
  for (const c10::IValue& value : list.toListRef()) {
    if (!value.isString()) return absl::InvalidArgumentError(absl::StrCat("'", key, "' is no list of strings"));
    strings.push_back(value.toStringRef());
  }
  return strings;
}

absl::StatusOr<int64_t> GetInt(const TensorDict& dict, const std::string& key) {
  const auto found = dict.find(key);
  if (found == dict.end() || !found->value().isInt()) {
    return absl::InvalidArgumentError(absl::StrCat("no integer '", key, "'"));
  }
  return found->value().toInt();
}

}  // namespace deepbindnet
