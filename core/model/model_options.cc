#include "core/model/model_options.h"

#include "absl/strings/str_cat.h"
#include "core/base/enum_names.h"
#include "core/base/limits.h"

namespace deepbindnet {
namespace {

constexpr EnumNames<ModelType, 2> kModelTypes = {{{ModelType::kGated, "gated"}, {ModelType::kStandard, "standard"}}};
constexpr EnumNames<GateKind, 3> kGateKinds = {
    {{GateKind::kVector, "vector"}, {GateKind::kHead, "head"}, {GateKind::kScalar, "scalar"}}};

constexpr double kMostLevel = 1000, kLeastLevels = 0.01;

}  // namespace

absl::Status CheckRange(absl::string_view field, double value, const OptionRange& range) {
  const bool large_enough = range.low_excluded ? value > range.low : value >= range.low;  // false for NaN
  if (large_enough && value <= range.high) return absl::OkStatus();
  return InvalidField(field, absl::StrCat(value),
                      absl::StrCat("is not in ", range.low_excluded ? "(" : "[", range.low, ", ", range.high, "]"));
}

absl::Status CheckSequenceLength(size_t residues, const ModelOptions& options) {
  if (residues <= static_cast<size_t>(options.max_sequence_length)) return absl::OkStatus();
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat(
          "sequence of ", residues, " residues: this model takes at most ", options.max_sequence_length,
          " (max_sequence_length); give the part that binds, for example a domain, or train with a larger one")),
      "SEQUENCE_TOO_LONG");
}

absl::Status ValidateModelOptions(const ModelOptions& options) {
  DBN_RETURN_IF_ERROR(CheckRange("members", options.members, {1, 64}));
  DBN_RETURN_IF_ERROR(CheckRange("hidden_dim", options.hidden_dim, {8, 1024}));
  DBN_RETURN_IF_ERROR(CheckRange("feature_dim", options.feature_dim, {8, 4096}));
  DBN_RETURN_IF_ERROR(CheckRange("fusion_heads", options.fusion_heads, {1, 64}));
  DBN_RETURN_IF_ERROR(CheckRange("fusion_layers", options.fusion_layers, {1, 16}));
  DBN_RETURN_IF_ERROR(CheckRange("dropout_rate", options.dropout_rate, {0, 0.9}));
  DBN_RETURN_IF_ERROR(CheckRange("gate_initial_bias", options.gate_initial_bias, {-10, 10}));
  DBN_RETURN_IF_ERROR(CheckRange("drug_layers", options.drug_layers, {1, 16}));
  DBN_RETURN_IF_ERROR(CheckRange("max_sequence_length", options.max_sequence_length, {1, 10000}));
  DBN_RETURN_IF_ERROR(CheckRange("protein_feature_dim", options.protein_feature_dim, {0, kMaxProteinFeatureDim}));
  DBN_RETURN_IF_ERROR(CheckRange("lowest_level", options.lowest_level, {-kMostLevel, kMostLevel}));
  DBN_RETURN_IF_ERROR(
      CheckRange("highest_level", options.highest_level, {options.lowest_level + kLeastLevels, kMostLevel}));
  if (options.residues_per_token != 8 && options.residues_per_token != 16 && options.residues_per_token != 32) {
    return InvalidField("residues_per_token", absl::StrCat(options.residues_per_token), "is not 8, 16 or 32");
  }
  if (options.hidden_dim % options.fusion_heads != 0) {
    return InvalidField("hidden_dim", absl::StrCat(options.hidden_dim),
                        absl::StrCat("is not a multiple of fusion_heads (", options.fusion_heads, ")"));
  }
  return absl::OkStatus();
}

absl::string_view ModelTypeName(ModelType type) { return NameOf(kModelTypes, type); }
absl::string_view GateKindName(GateKind kind) { return NameOf(kGateKinds, kind); }

absl::StatusOr<ModelType> ParseModelType(absl::string_view name) {
  return ParseName(kModelTypes, name, "model_type", "is neither gated nor standard");
}

absl::StatusOr<GateKind> ParseGateKind(absl::string_view name) {
  return ParseName(kGateKinds, name, "gate_kind", "is not vector, head or scalar");
}

}  // namespace deepbindnet
