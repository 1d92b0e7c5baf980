#include "core/data/split.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

using NamedMethod = std::pair<SplitMethod, absl::string_view>;
constexpr std::array<NamedMethod, 6> kMethods = {{{SplitMethod::kRandom, "random"},
                                                  {SplitMethod::kColdDrug, "cold_drug"},
                                                  {SplitMethod::kColdTarget, "cold_target"},
                                                  {SplitMethod::kColdBoth, "cold_both"},
                                                  {SplitMethod::kScaffold, "scaffold"},
                                                  {SplitMethod::kColumn, "column"}}};

absl::Status CheckShare(absl::string_view field, double share) {
  if (share >= 0.0 && share < 1.0) return absl::OkStatus();
  return InvalidField(field, absl::StrCat(share), "is not in [0, 1); give a share, for example 0.2");
}

}  // namespace

absl::Status ValidateSplitOptions(const SplitOptions& options) {
  DBN_RETURN_IF_ERROR(CheckShare("test_size", options.test_size));
  DBN_RETURN_IF_ERROR(CheckShare("val_size", options.val_size));
  const bool by_column = options.method == SplitMethod::kColumn;
  if (by_column && options.split_column.empty()) {
    return InvalidField("split_column", "",
                        "names no column, which the split 'column' needs; name the one that says each row's part");
  }
  if (!by_column && !options.split_column.empty()) {
    return InvalidField("split_column", options.split_column,
                        absl::StrCat("goes with the split 'column' only, not with '", SplitMethodName(options.method),
                                     "'; leave one of them out"));
  }
  return absl::OkStatus();
}

absl::string_view SplitMethodName(SplitMethod method) {
  for (const auto& [known, name] : kMethods) {
    if (known == method) return name;
  }
  return "unknown";
}

absl::StatusOr<SplitMethod> ParseSplitMethod(absl::string_view name) {
  for (const auto& [method, known] : kMethods) {
    if (known == name) return method;
  }
  return InvalidField("split", name,
                      "is no split; choose random, cold_drug, cold_target, cold_both, scaffold or column");
}

}  // namespace deepbindnet
