#include "absl/strings/str_cat.h"
#include "server/convert/convert.h"
#include "server/convert/unknown_enum.h"

namespace deepbindnet {
namespace {

// A column alone names the method, too.
absl::StatusOr<SplitMethod> MethodFromProto(const v1::SplitOptions& proto) {
  switch (proto.method()) {
    case v1::SplitOptions::METHOD_UNSPECIFIED:
      return proto.split_column().empty() ? SplitMethod::kRandom : SplitMethod::kColumn;
    case v1::SplitOptions::RANDOM:
      return SplitMethod::kRandom;
    case v1::SplitOptions::COLD_DRUG:
      return SplitMethod::kColdDrug;
    case v1::SplitOptions::COLD_TARGET:
      return SplitMethod::kColdTarget;
    case v1::SplitOptions::COLD_BOTH:
      return SplitMethod::kColdBoth;
    case v1::SplitOptions::SCAFFOLD:
      return SplitMethod::kScaffold;
    case v1::SplitOptions::COLUMN:
      return SplitMethod::kColumn;
    default:
      return UnknownEnum("split.method", proto.method());
  }
}

absl::StatusOr<SplitOptions> SplitFromProto(const v1::SplitOptions& proto) {
  SplitOptions split;
  split.split_column = proto.split_column();
  DBN_ASSIGN_OR_RETURN(split.method, MethodFromProto(proto));
  if (split.method == SplitMethod::kColumn && split.split_column.empty()) {
    return InvalidField("split_column", "", "is needed by the split method column; name the column");
  }
  if (split.method != SplitMethod::kColumn && !split.split_column.empty()) {
    return InvalidField("split_column", split.split_column,
                        absl::StrCat("has no meaning with the split method ", SplitMethodName(split.method),
                                     "; leave one of them out"));
  }
  if (proto.has_test_size()) split.test_size = proto.test_size();
  if (proto.has_val_size()) split.val_size = proto.val_size();
  if (proto.has_seed()) split.seed = proto.seed();
  DBN_RETURN_IF_ERROR(ValidateSplitOptions(split));
  return split;
}

absl::StatusOr<AffinityDirection> DirectionFromProto(v1::AffinityDirection direction) {
  switch (direction) {
    case v1::AFFINITY_DIRECTION_UNSPECIFIED:
      return AffinityDirection::kUnknown;
    case v1::HIGHER_BINDS_TIGHTER:
      return AffinityDirection::kHigherBindsTighter;
    case v1::LOWER_BINDS_TIGHTER:
      return AffinityDirection::kLowerBindsTighter;
    default:
      return UnknownEnum("affinity_direction", direction);
  }
}

v1::SplitOptions::Method ToProto(SplitMethod method) {
  switch (method) {
    case SplitMethod::kRandom:
      return v1::SplitOptions::RANDOM;
    case SplitMethod::kColdDrug:
      return v1::SplitOptions::COLD_DRUG;
    case SplitMethod::kColdTarget:
      return v1::SplitOptions::COLD_TARGET;
    case SplitMethod::kColdBoth:
      return v1::SplitOptions::COLD_BOTH;
    case SplitMethod::kScaffold:
      return v1::SplitOptions::SCAFFOLD;
    case SplitMethod::kColumn:
      return v1::SplitOptions::COLUMN;
  }
  return v1::SplitOptions::METHOD_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<PreprocessOptions> FromProto(const v1::PrepareDatasetSpec& proto) {
  PreprocessOptions options;
  DBN_ASSIGN_OR_RETURN(options.split, SplitFromProto(proto.split()));
  options.affinity_column = proto.affinity_column();
  options.affinity_unit = proto.affinity_unit();
  DBN_ASSIGN_OR_RETURN(options.affinity_direction, DirectionFromProto(proto.affinity_direction()));
  if (proto.has_max_rejected()) {
    if (!(proto.max_rejected() >= 0.0 && proto.max_rejected() <= 1.0)) {
      return InvalidField("max_rejected", absl::StrCat(proto.max_rejected()), "is not a share in [0, 1]");
    }
    options.max_rejected = proto.max_rejected();
  }
  return options;
}

v1::SplitOptions ToProto(const SplitOptions& options) {
  v1::SplitOptions proto;
  proto.set_method(ToProto(options.method));
  proto.set_split_column(options.split_column);
  proto.set_test_size(options.test_size);
  proto.set_val_size(options.val_size);
  proto.set_seed(options.seed);
  return proto;
}

v1::AffinityDirection ToProto(AffinityDirection direction) {
  switch (direction) {
    case AffinityDirection::kUnknown:
      return v1::AFFINITY_DIRECTION_UNSPECIFIED;
    case AffinityDirection::kHigherBindsTighter:
      return v1::HIGHER_BINDS_TIGHTER;
    case AffinityDirection::kLowerBindsTighter:
      return v1::LOWER_BINDS_TIGHTER;
  }
  return v1::AFFINITY_DIRECTION_UNSPECIFIED;
}

v1::DatasetSummary ToProto(const DatasetManifest& manifest, const Scaler& scaler) {
  v1::DatasetSummary proto;
  proto.set_rows_read(static_cast<uint64_t>(manifest.rows_read));
  proto.set_rows_rejected(static_cast<uint64_t>(manifest.rows_rejected));
  proto.set_duplicates_merged(static_cast<uint64_t>(manifest.duplicates_merged));
  proto.set_pairs_dropped(static_cast<uint64_t>(manifest.pairs_dropped));
  proto.set_drugs(static_cast<uint64_t>(manifest.drugs));
  proto.set_targets(static_cast<uint64_t>(manifest.targets));
  proto.set_train_pairs(static_cast<uint64_t>(manifest.train_pairs));
  proto.set_val_pairs(static_cast<uint64_t>(manifest.val_pairs));
  proto.set_test_pairs(static_cast<uint64_t>(manifest.test_pairs));
  proto.set_affinity_unit(manifest.affinity_unit);
  proto.set_affinity_mean(scaler.mean);
  proto.set_affinity_sd(scaler.sd);
  proto.set_test_pairs_in_train(static_cast<uint64_t>(manifest.test_pairs_in_train));
  proto.set_test_drugs_in_train(static_cast<uint64_t>(manifest.test_drugs_in_train));
  proto.set_test_targets_in_train(static_cast<uint64_t>(manifest.test_targets_in_train));
  proto.set_digest(manifest.digest);
  proto.set_protein_feature_dim(static_cast<uint32_t>(manifest.protein_feature_dim));
  if (manifest.affinity_direction != AffinityDirection::kUnknown) {
    proto.set_affinity_direction(ToProto(manifest.affinity_direction));
  }
  return proto;
}

}  // namespace deepbindnet
