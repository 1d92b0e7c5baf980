#include "core/model/model_options.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

constexpr std::array<std::pair<ModelType, absl::string_view>, 2> kModelTypes = {
    {{ModelType::kGated, "gated"}, {ModelType::kStandard, "standard"}}};
constexpr std::array<std::pair<GateKind, absl::string_view>, 3> kGateKinds = {
    {{GateKind::kVector, "vector"}, {GateKind::kHead, "head"}, {GateKind::kScalar, "scalar"}}};

absl::Status CheckRange(absl::string_view field, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return InvalidField(field, absl::StrCat(value), absl::StrCat("is not in [", low, ", ", high, "]"));
}

}  // namespace

absl::Status ValidateModelOptions(const ModelOptions& options) {
  DBN_RETURN_IF_ERROR(CheckRange("hidden_dim", options.hidden_dim, 8, 1024));
  DBN_RETURN_IF_ERROR(CheckRange("feature_dim", options.feature_dim, 8, 4096));
  DBN_RETURN_IF_ERROR(CheckRange("fusion_heads", options.fusion_heads, 1, 64));
  DBN_RETURN_IF_ERROR(CheckRange("fusion_layers", options.fusion_layers, 1, 16));
  DBN_RETURN_IF_ERROR(CheckRange("dropout_rate", options.dropout_rate, 0, 0.9));
  DBN_RETURN_IF_ERROR(CheckRange("gate_initial_bias", options.gate_initial_bias, -10, 10));
  DBN_RETURN_IF_ERROR(CheckRange("drug_layers", options.drug_layers, 1, 16));
  DBN_RETURN_IF_ERROR(CheckRange("max_sequence_length", options.max_sequence_length, 1, 10000));
  if (options.residues_per_token != 8 && options.residues_per_token != 16) {
    return InvalidField("residues_per_token", absl::StrCat(options.residues_per_token), "is neither 8 nor 16");
  }
  if (options.hidden_dim % options.fusion_heads != 0) {
    return InvalidField("hidden_dim", absl::StrCat(options.hidden_dim),
                        absl::StrCat("is not a multiple of fusion_heads (", options.fusion_heads, ")"));
  }
  return absl::OkStatus();
}

absl::string_view ModelTypeName(ModelType type) { return kModelTypes[static_cast<size_t>(type)].second; }
absl::string_view GateKindName(GateKind kind) { return kGateKinds[static_cast<size_t>(kind)].second; }

absl::StatusOr<ModelType> ParseModelType(absl::string_view name) {
  for (const auto& [type, known] : kModelTypes) {
    if (known == name) return type;
  }
  return InvalidField("model_type", name, "is neither gated nor standard");
}

absl::StatusOr<GateKind> ParseGateKind(absl::string_view name) {
  for (const auto& [kind, known] : kGateKinds) {
    if (known == name) return kind;
  }
  return InvalidField("gate_kind", name, "is not vector, head or scalar");
}

}  // namespace deepbindnet
