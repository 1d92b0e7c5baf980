// What decides a training run.
#ifndef DEEPBINDNET_CORE_TRAINING_TRAINING_OPTIONS_H_
#define DEEPBINDNET_CORE_TRAINING_TRAINING_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "core/model/model_options.h"

namespace deepbindnet {

enum class Loss { kMse, kHuber, kLogCosh };

// Of matrix products in mixed precision; kAuto: bf16 where the device multiplies it, on a GPU if
// hidden_dim is 128 or more; else none.
enum class HalfType { kAuto, kBf16, kFp16 };

struct TrainingOptions {
  ModelOptions model;
  int batch_size = 512;         // Pairs that a process computes at once, 1..65536.
  int num_epochs = 100;         // 1..100000
  double lr = 3e-3;             // Peak learning rate, (0, 1].
  double weight_decay = 0.3;    // Decoupled, [0, 1].
  int patience = 15;            // Epochs without a lower validation RMSE before stopping; 0 never stops.
  bool mixed_precision = true;  // Matrix products in half_type.
  HalfType half_type = HalfType::kAuto;
  Loss loss = Loss::kMse;             // Of the value.
  double distribution_weight = 1.0;   // Of the distribution's cross-entropy beside it, [0, 1000].
  double feature_dropout_rate = 0.2;  // Of environments and triplets left out of a batch, [0, 0.9].
  // Radius of sharpness-aware minimisation (Foret et al. 2021), [0, 10]; 0 is off. Each member climbs along its own
  // gradient.
  double sam_rho = 0.1;
  double max_minutes = 0.0;       // Training time after which the run ends and to which the schedule anneals; 0: none.
  double clip_norm = 1.0;         // Largest gradient norm; 0 does not clip.
  double warmup_fraction = 0.02;  // Share of the schedule spent warming up, [0, 0.5].
  double ema_decay = 0.999;       // Weight averaging per step, [0, 1); 0 is off.
  uint64_t seed = 42;
  int gradient_accumulation = 1;  // Batches per optimiser step, 1..4096.
  int num_processes = 1;      // That train together, 1..1024: a step has batch_size of each, times the accumulation.
  int keep_checkpoints = 0;   // Newest checkpoint_epoch_X.pt files kept, 0..100000; 0 keeps all.
  bool evaluate_test = true;  // Whether the best model is measured on the test part at the end, which is not read else.
  std::string device =
      "auto";  // "auto", "cpu", "cuda", "cuda:N"; a rank among several takes the GPU of its local rank.
};

// "small" (CPU) or "base" (the guide's 256/512/8/4); INVALID_ARGUMENT for another name.
absl::StatusOr<TrainingOptions> TrainingPreset(absl::string_view name);

// INVALID_ARGUMENT naming the field where an option is out of range.
absl::Status ValidateTrainingOptions(const TrainingOptions& options);

absl::string_view LossName(Loss loss);  // "mse", "huber", "log_cosh"
absl::StatusOr<Loss> ParseLoss(absl::string_view name);

absl::string_view HalfTypeName(HalfType type);  // "auto", "bf16", "fp16"

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_TRAINING_OPTIONS_H_
