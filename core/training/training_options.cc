#include "core/training/training_options.h"

#include "core/base/enum_names.h"

namespace deepbindnet {
namespace {

constexpr EnumNames<Loss, 3> kLosses = {{{Loss::kMse, "mse"}, {Loss::kHuber, "huber"}, {Loss::kLogCosh, "log_cosh"}}};
constexpr EnumNames<HalfType, 3> kHalfTypes = {
    {{HalfType::kAuto, "auto"}, {HalfType::kBf16, "bf16"}, {HalfType::kFp16, "fp16"}}};

}  // namespace

absl::StatusOr<TrainingOptions> TrainingPreset(absl::string_view name) {
  TrainingOptions options;
  if (name == "small" || name.empty()) return options;
  if (name != "base") return InvalidField("preset", name, "is neither small nor base");
  options.model.hidden_dim = 256;
  options.model.feature_dim = 512;
  options.model.fusion_heads = 8;
  options.model.fusion_layers = 4;
  options.lr = 5e-4;
  return options;
}

absl::Status ValidateTrainingOptions(const TrainingOptions& options) {
  DBN_RETURN_IF_ERROR(ValidateModelOptions(options.model));
  DBN_RETURN_IF_ERROR(CheckRange("batch_size", options.batch_size, {1, 65536}));
  DBN_RETURN_IF_ERROR(CheckRange("num_epochs", options.num_epochs, {1, 100000}));
  DBN_RETURN_IF_ERROR(CheckRange("lr", options.lr, {0, 1, /*low_excluded=*/true}));
  DBN_RETURN_IF_ERROR(CheckRange("weight_decay", options.weight_decay, {0, 1}));
  DBN_RETURN_IF_ERROR(CheckRange("patience", options.patience, {0, 100000}));
  DBN_RETURN_IF_ERROR(CheckRange("max_minutes", options.max_minutes, {0, 1e6}));
  DBN_RETURN_IF_ERROR(CheckRange("clip_norm", options.clip_norm, {0, 1e6}));
  DBN_RETURN_IF_ERROR(CheckRange("distribution_weight", options.distribution_weight, {0, 1000}));
  DBN_RETURN_IF_ERROR(CheckRange("feature_dropout_rate", options.feature_dropout_rate, {0, 0.9}));
  DBN_RETURN_IF_ERROR(CheckRange("sam_rho", options.sam_rho, {0, 10}));
  DBN_RETURN_IF_ERROR(CheckRange("warmup_fraction", options.warmup_fraction, {0, 0.5}));
  DBN_RETURN_IF_ERROR(CheckRange("gradient_accumulation", options.gradient_accumulation, {1, 4096}));
  DBN_RETURN_IF_ERROR(CheckRange("num_processes", options.num_processes, {1, 1024}));
  DBN_RETURN_IF_ERROR(CheckRange("keep_checkpoints", options.keep_checkpoints, {0, 100000}));
  return CheckRange("ema_decay", options.ema_decay, {0, 0.999999});
}

absl::string_view LossName(Loss loss) { return NameOf(kLosses, loss); }
absl::string_view HalfTypeName(HalfType type) { return NameOf(kHalfTypes, type); }

absl::StatusOr<Loss> ParseLoss(absl::string_view name) {
  return ParseName(kLosses, name, "loss", "is not mse, huber or log_cosh");
}

}  // namespace deepbindnet
