#include "server/convert/convert.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/util/time_util.h"

namespace deepbindnet {
namespace {

// Every field that has presence is copied over the preset's value only where it is set.
#define DBN_SET_COUNT(field, target)                                                           \
  if (proto.has_##field()) {                                                                   \
    if (proto.field() > static_cast<uint32_t>(std::numeric_limits<int>::max())) {              \
      return InvalidField(#field, absl::StrCat(proto.field()), "is too large; see its range"); \
    }                                                                                          \
    target = static_cast<int>(proto.field());                                                  \
  }
#define DBN_SET_NUMBER(field, target)                                                     \
  if (proto.has_##field()) {                                                              \
    if (!std::isfinite(proto.field())) {                                                  \
      return InvalidField(#field, absl::StrCat(proto.field()), "is not a finite number"); \
    }                                                                                     \
    target = proto.field();                                                               \
  }

// INVALID_ARGUMENT where a field asks for more than its only supported value.
absl::Status RequireOnly(absl::string_view field, bool is_set, uint32_t value, uint32_t supported) {
  if (!is_set || value == supported) return absl::OkStatus();
  return InvalidField(field, absl::StrCat(value),
                      absl::StrCat("is not supported by this version; leave it out or give ", supported));
}

absl::Status UnknownEnum(absl::string_view field, int value) {
  return InvalidField(field, absl::StrCat(value), "is no value that this version knows");
}

absl::Status CheckSupported(const v1::TrainingOptions& proto) {
  DBN_RETURN_IF_ERROR(
      RequireOnly("gradient_accumulation", proto.has_gradient_accumulation(), proto.gradient_accumulation(), 1));
  DBN_RETURN_IF_ERROR(RequireOnly("num_processes", proto.has_num_processes(), proto.num_processes(), 1));
  return RequireOnly("keep_checkpoints", proto.has_keep_checkpoints(), proto.keep_checkpoints(), 0);
}

absl::Status SetModelOptions(const v1::TrainingOptions& proto, ModelOptions* model) {
  switch (proto.model_type()) {
    case v1::MODEL_TYPE_UNSPECIFIED:
      break;
    case v1::GATED:
      model->model_type = ModelType::kGated;
      break;
    case v1::STANDARD:
      model->model_type = ModelType::kStandard;
      break;
    default:
      return UnknownEnum("model_type", proto.model_type());
  }
  switch (proto.gate_kind()) {
    case v1::GATE_KIND_UNSPECIFIED:
      break;
    case v1::VECTOR:
      model->gate_kind = GateKind::kVector;
      break;
    case v1::HEAD:
      model->gate_kind = GateKind::kHead;
      break;
    case v1::SCALAR:
      model->gate_kind = GateKind::kScalar;
      break;
    default:
      return UnknownEnum("gate_kind", proto.gate_kind());
  }
  DBN_SET_COUNT(hidden_dim, model->hidden_dim)
  DBN_SET_COUNT(feature_dim, model->feature_dim)
  DBN_SET_COUNT(fusion_heads, model->fusion_heads)
  DBN_SET_COUNT(fusion_layers, model->fusion_layers)
  DBN_SET_NUMBER(dropout_rate, model->dropout_rate)
  DBN_SET_NUMBER(gate_initial_bias, model->gate_initial_bias)
  return absl::OkStatus();
}

absl::Status SetSchedule(const v1::TrainingOptions& proto, TrainingOptions* options) {
  DBN_SET_COUNT(batch_size, options->batch_size)
  DBN_SET_COUNT(num_epochs, options->num_epochs)
  DBN_SET_COUNT(patience, options->patience)
  DBN_SET_NUMBER(lr, options->lr)
  DBN_SET_NUMBER(weight_decay, options->weight_decay)
  DBN_SET_NUMBER(max_minutes, options->max_minutes)
  DBN_SET_NUMBER(clip_norm, options->clip_norm)
  DBN_SET_NUMBER(warmup_fraction, options->warmup_fraction)
  DBN_SET_NUMBER(ema_decay, options->ema_decay)
  // Core's 0 means "none", which here is an unset field.
  if (proto.has_max_minutes() && proto.max_minutes() <= 0.0) {
    return InvalidField("max_minutes", absl::StrCat(proto.max_minutes()), "is not above 0; leave it out for no limit");
  }
  if (proto.has_mixed_precision()) options->mixed_precision = proto.mixed_precision();
  if (proto.has_seed()) options->seed = proto.seed();
  switch (proto.loss()) {
    case v1::LOSS_UNSPECIFIED:
      break;
    case v1::MSE:
      options->loss = Loss::kMse;
      break;
    case v1::HUBER:
      options->loss = Loss::kHuber;
      break;
    case v1::LOG_COSH:
      options->loss = Loss::kLogCosh;
      break;
    default:
      return UnknownEnum("loss", proto.loss());
  }
  return absl::OkStatus();
}

#undef DBN_SET_COUNT
#undef DBN_SET_NUMBER

// The preset whose values stand in the fields that the message does not have; of two such, the one with these widths.
std::string PresetOf(const ModelOptions& model) {
  std::string found;
  for (const char* const name : {"base", "small"}) {
    const absl::StatusOr<TrainingOptions> preset = TrainingPreset(name);
    if (!preset.ok() || preset->model.drug_layers != model.drug_layers ||
        preset->model.residues_per_token != model.residues_per_token ||
        preset->model.max_sequence_length != model.max_sequence_length) {
      continue;
    }
    if (preset->model.hidden_dim == model.hidden_dim) return name;
    found = name;
  }
  return found;
}

absl::StatusOr<SplitOptions> SplitFromProto(const v1::SplitOptions& proto) {
  SplitOptions split;
  split.split_column = proto.split_column();
  switch (proto.method()) {
    case v1::SplitOptions::METHOD_UNSPECIFIED:
      split.method = proto.split_column().empty() ? SplitMethod::kRandom : SplitMethod::kColumn;
      break;
    case v1::SplitOptions::RANDOM:
      split.method = SplitMethod::kRandom;
      break;
    case v1::SplitOptions::COLD_DRUG:
      split.method = SplitMethod::kColdDrug;
      break;
    case v1::SplitOptions::COLD_TARGET:
      split.method = SplitMethod::kColdTarget;
      break;
    case v1::SplitOptions::COLD_BOTH:
      split.method = SplitMethod::kColdBoth;
      break;
    case v1::SplitOptions::SCAFFOLD:
      split.method = SplitMethod::kScaffold;
      break;
    case v1::SplitOptions::COLUMN:
      split.method = SplitMethod::kColumn;
      break;
    default:
      return UnknownEnum("split.method", proto.method());
  }
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

v1::ModelType ToProto(ModelType type) { return type == ModelType::kGated ? v1::GATED : v1::STANDARD; }

v1::GateKind ToProto(GateKind kind) {
  switch (kind) {
    case GateKind::kVector:
      return v1::VECTOR;
    case GateKind::kHead:
      return v1::HEAD;
    case GateKind::kScalar:
      return v1::SCALAR;
  }
  return v1::GATE_KIND_UNSPECIFIED;
}

v1::Loss ToProto(Loss loss) {
  switch (loss) {
    case Loss::kMse:
      return v1::MSE;
    case Loss::kHuber:
      return v1::HUBER;
    case Loss::kLogCosh:
      return v1::LOG_COSH;
  }
  return v1::LOSS_UNSPECIFIED;
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

google::protobuf::Duration Duration(double seconds) {
  return google::protobuf::util::TimeUtil::MicrosecondsToDuration(std::llround(seconds * 1e6));
}

}  // namespace

absl::StatusOr<TrainingOptions> FromProto(const v1::TrainingOptions& proto) {
  DBN_ASSIGN_OR_RETURN(TrainingOptions options, TrainingPreset(proto.preset().empty() ? "small" : proto.preset()));
  DBN_RETURN_IF_ERROR(CheckSupported(proto));
  DBN_RETURN_IF_ERROR(SetModelOptions(proto, &options.model));
  DBN_RETURN_IF_ERROR(SetSchedule(proto, &options));
  DBN_RETURN_IF_ERROR(ValidateTrainingOptions(options));
  return options;
}

absl::StatusOr<PreprocessOptions> FromProto(const v1::PrepareDatasetSpec& proto) {
  PreprocessOptions options;
  DBN_ASSIGN_OR_RETURN(options.split, SplitFromProto(proto.split()));
  options.affinity_column = proto.affinity_column();
  options.affinity_unit = proto.affinity_unit();
  if (proto.has_max_rejected()) {
    if (!(proto.max_rejected() >= 0.0 && proto.max_rejected() <= 1.0)) {
      return InvalidField("max_rejected", absl::StrCat(proto.max_rejected()), "is not a share in [0, 1]");
    }
    options.max_rejected = proto.max_rejected();
  }
  return options;
}

v1::TrainingOptions ToProto(const TrainingOptions& options) {
  v1::TrainingOptions proto;
  proto.set_model_type(ToProto(options.model.model_type));
  proto.set_preset(PresetOf(options.model));
  proto.set_hidden_dim(static_cast<uint32_t>(options.model.hidden_dim));
  proto.set_feature_dim(static_cast<uint32_t>(options.model.feature_dim));
  proto.set_fusion_heads(static_cast<uint32_t>(options.model.fusion_heads));
  proto.set_fusion_layers(static_cast<uint32_t>(options.model.fusion_layers));
  proto.set_dropout_rate(options.model.dropout_rate);
  proto.set_gate_kind(ToProto(options.model.gate_kind));
  proto.set_gate_initial_bias(options.model.gate_initial_bias);
  proto.set_batch_size(static_cast<uint32_t>(options.batch_size));
  proto.set_num_epochs(static_cast<uint32_t>(options.num_epochs));
  proto.set_lr(options.lr);
  proto.set_weight_decay(options.weight_decay);
  proto.set_patience(static_cast<uint32_t>(options.patience));
  proto.set_mixed_precision(options.mixed_precision);
  proto.set_loss(ToProto(options.loss));
  if (options.max_minutes > 0.0) proto.set_max_minutes(options.max_minutes);
  proto.set_clip_norm(options.clip_norm);
  proto.set_warmup_fraction(options.warmup_fraction);
  proto.set_seed(options.seed);
  proto.set_ema_decay(options.ema_decay);
  proto.set_gradient_accumulation(1);
  proto.set_keep_checkpoints(0);
  proto.set_num_processes(1);
  return proto;
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
  return proto;
}

v1::Metrics ToProto(const RegressionMetrics& metrics) {
  v1::Metrics proto;
  proto.set_pairs(static_cast<uint64_t>(metrics.pairs));
  proto.set_mse(metrics.mse);
  proto.set_rmse(metrics.rmse);
  proto.set_mae(metrics.mae);
  proto.set_r2(metrics.r2);
  proto.set_pearson(metrics.pearson);
  proto.set_spearman(metrics.spearman);
  proto.set_ci(metrics.ci);
  proto.set_rm2(metrics.rm2);
  return proto;
}

v1::EpochMetrics ToProto(const EpochReport& report) {
  v1::EpochMetrics proto;
  proto.set_epoch(static_cast<uint32_t>(report.epoch));
  proto.set_epochs(static_cast<uint32_t>(report.epochs));
  proto.set_train_loss(report.train_loss);
  *proto.mutable_train() = ToProto(report.train);
  *proto.mutable_val() = ToProto(report.val);
  proto.set_learning_rate(report.learning_rate);
  proto.set_gate_mean(report.gate_mean);
  proto.set_gate_sd(report.gate_sd);
  proto.set_pairs_per_second(report.pairs_per_second);
  *proto.mutable_elapsed() = Duration(report.elapsed_seconds);
  proto.set_is_best(report.is_best);
  return proto;
}

v1::TrainingResult ToProto(const TrainingReport& report) {
  v1::TrainingResult proto;
  proto.set_best_epoch(static_cast<uint32_t>(report.best_epoch));
  proto.set_epochs_run(static_cast<uint32_t>(report.epochs_run));
  *proto.mutable_val() = ToProto(report.val);
  *proto.mutable_test() = ToProto(report.test);
  proto.set_parameters(static_cast<uint64_t>(report.parameters));
  *proto.mutable_training_time() = Duration(report.training_seconds);
  proto.set_pairs_per_second(report.pairs_per_second);
  proto.set_digest(report.digest);
  proto.set_stop_reason(report.stop_reason);
  return proto;
}

v1::ComparisonResult ToProto(const ComparisonInput& input, const Comparison& comparison) {
  v1::ComparisonResult proto;
  proto.set_dataset(input.dataset);
  proto.set_affinity_unit(input.affinity_unit);
  for (const ModelComparison& model : comparison.models) {
    v1::ModelComparison* const entry = proto.add_models();
    entry->set_model(model.name);
    // Imported predictions have no type: the field stays unspecified.
    if (const absl::StatusOr<ModelType> type = ParseModelType(model.model_type); type.ok()) {
      entry->set_model_type(ToProto(*type));
    }
    *entry->mutable_metrics() = ToProto(model.metrics);
    entry->set_rmse_improvement_percent(model.rmse_improvement_percent);
    entry->set_mae_improvement_percent(model.mae_improvement_percent);
    entry->set_r2_improvement_percent(model.r2_improvement_percent);
  }
  return proto;
}

v1::JobError ToProto(const absl::Status& status) {
  v1::JobError proto;
  proto.set_reason(GetReason(status));
  proto.set_message(std::string(status.message()));
  return proto;
}

}  // namespace deepbindnet
