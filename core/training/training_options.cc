#include "core/training/training_options.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

constexpr std::array<std::pair<Loss, absl::string_view>, 3> kLosses = {
    {{Loss::kMse, "mse"}, {Loss::kHuber, "huber"}, {Loss::kLogCosh, "log_cosh"}}};

struct Range {
  absl::string_view field;
  double value, low, high;
  bool low_excluded = false;
};

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
  const std::array<Range, 9> ranges = {{
      {"batch_size", static_cast<double>(options.batch_size), 1, 65536},
      {"num_epochs", static_cast<double>(options.num_epochs), 1, 100000},
      {"lr", options.lr, 0, 1, true},
      {"weight_decay", options.weight_decay, 0, 1},
      {"patience", static_cast<double>(options.patience), 0, 100000},
      {"max_minutes", options.max_minutes, 0, 1e6},
      {"clip_norm", options.clip_norm, 0, 1e6},
      {"warmup_fraction", options.warmup_fraction, 0, 0.5},
      {"ema_decay", options.ema_decay, 0, 0.999999},
  }};
  for (const Range& range : ranges) {
    const bool fits = range.value >= range.low && range.value <= range.high;  // false for NaN
    if (fits && !(range.low_excluded && range.value == range.low)) continue;
    return InvalidField(range.field, absl::StrCat(range.value),
                        absl::StrCat("is not in ", range.low_excluded ? "(" : "[", range.low, ", ", range.high, "]"));
  }
  return absl::OkStatus();
}

absl::string_view LossName(Loss loss) { return kLosses[static_cast<size_t>(loss)].second; }

absl::StatusOr<Loss> ParseLoss(absl::string_view name) {
  for (const auto& [loss, known] : kLosses) {
    if (known == name) return loss;
  }
  return InvalidField("loss", name, "is not mse, huber or log_cosh");
}

}  // namespace deepbindnet
