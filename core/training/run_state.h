// Where a run stands, apart from its weights and its optimizer: in latest_checkpoint.pt's training state.
#ifndef DEEPBINDNET_CORE_TRAINING_RUN_STATE_H_
#define DEEPBINDNET_CORE_TRAINING_RUN_STATE_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "core/compute/torch_util.h"
#include "core/model/checkpoint.h"
#include "core/training/prior_member.h"
#include "core/training/trainer.h"

namespace deepbindnet {

// What an epoch has come to after some of its steps.
struct EpochProgress {
  int64_t steps = 0;        // Taken.
  double loss_sum = 0.0;    // Over these steps.
  double seconds = 0.0;     // Spent in them.
  torch::Tensor predicted;  // [training pairs] float, z-scored, by pair; 0 for a pair that no step of the epoch had
};

struct RunState {
  std::vector<EpochReport> history;  // Epochs 1, 2, ... that are finished.
  EpochProgress epoch;               // Of the next one.
  double train_seconds = 0.0;        // Spent in training steps of finished epochs.
  double elapsed_seconds = 0.0;      // Training time, over restarts.
  int replicas = 1;                  // That share a batch.
  PriorMember prior_member;          // Of a model with a prior and several members; else unused.
};

// Adds its entries to a checkpoint's training state.
void AddRunState(const RunState& state, TensorDict* training_state);

// The state of a checkpoint that SaveCheckpoint wrote after a step. INVALID_ARGUMENT where an entry is missing or of
// another type, the history is not that of epochs 1 to the checkpoint's with is_best where the validation RMSE is lower
// than ever before, the number of replicas is not in [1, most_replicas], the epoch's predictions are not of
// `training_pairs`, or what is known of the member with the prior is damaged.
absl::StatusOr<RunState> ReadRunState(const Checkpoint& checkpoint, int most_replicas, int64_t training_pairs);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_RUN_STATE_H_
