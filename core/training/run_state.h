// Where a run stands after an epoch, apart from its weights and its optimizer: in latest_checkpoint.pt's training
// state.
#ifndef DEEPBINDNET_CORE_TRAINING_RUN_STATE_H_
#define DEEPBINDNET_CORE_TRAINING_RUN_STATE_H_

#include <vector>

#include "core/base/status.h"
#include "core/compute/torch_util.h"
#include "core/model/checkpoint.h"
#include "core/training/trainer.h"

namespace deepbindnet {

struct RunState {
  std::vector<EpochReport> history;  // Epochs 1, 2, ...
  double train_seconds = 0.0;        // Spent in training steps.
  int replicas = 1;                  // That share a batch.
};

// Adds its entries to a checkpoint's training state.
void AddRunState(const RunState& state, TensorDict* training_state);

// The state of a checkpoint that SaveCheckpoint wrote after an epoch. INVALID_ARGUMENT where an entry is missing or of
// another type, the history is not that of epochs 1 to the checkpoint's with is_best where the validation RMSE is lower
// than ever before, or the number of replicas is not in [1, most_replicas].
absl::StatusOr<RunState> ReadRunState(const Checkpoint& checkpoint, int most_replicas);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_RUN_STATE_H_
