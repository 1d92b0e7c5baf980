// One training run: from a processed data set on disk to checkpoints, metrics and a final evaluation.
#ifndef DEEPBINDNET_CORE_TRAINING_TRAINER_H_
#define DEEPBINDNET_CORE_TRAINING_TRAINER_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "core/evaluation/metrics.h"
#include "core/training/rank_place.h"
#include "core/training/training_options.h"

namespace deepbindnet {

struct EpochReport {
  int epoch = 0;            // From 1.
  int epochs = 0;           // Most epochs this run can take.
  double train_loss = 0.0;  // Mean over the epoch's steps, on z-scored affinities.
  // Of the epoch's own training predictions (with dropout), of the members that learn; errors only.
  RegressionMetrics train;
  RegressionMetrics val;
  double learning_rate = 0.0;  // Of the last step.
  double gate_mean = 1.0;
  double gate_sd = 0.0;
  double pairs_per_second = 0.0;
  double elapsed_seconds = 0.0;  // Training time since the start of the run, over restarts.
  bool is_best = false;
};

struct StepReport {
  int epoch = 0;
  int64_t step = 0;   // Within the epoch, from 1.
  int64_t steps = 0;  // Of the epoch.
  int64_t pairs = 0;  // Trained on in this epoch so far.
  int64_t epoch_pairs = 0;
  int64_t run_step = 0;        // Within the run, from 1: the optimiser's steps so far.
  double batch_loss = 0.0;     // Of this step alone.
  double loss = 0.0;           // Running mean over the epoch.
  double learning_rate = 0.0;  // Of this step.
  double pairs_per_second = 0.0;
  double eta_seconds = 0.0;  // Until the run ends; 0 where unknown.
};

struct TrainingReport {
  int best_epoch = 0;
  int epochs_run = 0;
  RegressionMetrics val;   // Of best_model.pt.
  RegressionMetrics test;  // Of best_model.pt; no pairs where the data set has no test part.
  int64_t parameters = 0;
  double training_seconds = 0.0;
  double pairs_per_second = 0.0;
  std::string digest;       // SHA-256 (hex) of best_model.pt.
  std::string stop_reason;  // "num_epochs", "max_minutes" or "patience".
};

// Told of a run's course, on the training thread; must not block long.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  // "loading", "fitting the similarity prior", "training", "evaluating"
  virtual void OnPhase(absl::string_view phase) = 0;
  virtual void OnStep(const StepReport& report) = 0;      // Every step.
  virtual void OnEpoch(const EpochReport& report) = 0;    // After the epoch's checkpoint is on disk.
  virtual void OnMessage(absl::string_view message) = 0;  // A line for people.
};

// Says nothing.
class SilentObserver : public TrainingObserver {
 public:
  void OnPhase(absl::string_view phase) override {}
  void OnStep(const StepReport& report) override {}
  void OnEpoch(const EpochReport& report) override {}
  void OnMessage(absl::string_view message) override {}
};

// Trains on `data_dir` into `output_dir` (made where missing): best_model.pt, latest_checkpoint.pt,
// checkpoint_epoch_X.pt every 5 epochs, metrics.csv, result.json; each file appears whole. With `resume`, goes on from
// latest_checkpoint.pt; the epochs up to it are reported again first, as they were, so that a caller that missed one
// has it. Where there is none it says so and starts over. A run that starts anew removes what an earlier one left;
// every run removes what a killed one had half written. The test part is read once, after the last epoch.
//
// When `stop` becomes true the run ends with CANCELLED before its next step, with the steps so far in
// latest_checkpoint.pt, or, after an epoch's last step, when the epoch is validated, saved and reported. An epoch that
// takes long is saved every ten minutes, too. A stop that comes when the evaluation of the test part has begun is too
// late: the run ends as if there were none.
//
// On the CPU and without max_minutes, which follows the clock, a resumed run equals one that never stopped bit for bit;
// on another number of cores, but for rounding: it keeps the number of replicas that share a batch, because each draws
// a dropout mask of its own.
// `place`: this process's among those that train the model together, each on its share of every batch; all give the
// same arguments, rank 0 alone calls the observer and writes, and the others' reports have no test metrics. What one is
// told to stop by stops all. Any number of processes trains the same model but for rounding (and dropout's masks),
// where num_processes times batch_size times gradient_accumulation is the same.
//
// INVALID_ARGUMENT where an option is out of range, a protein is longer than max_sequence_length (SEQUENCE_TOO_LONG) or
// the checkpoint to resume is damaged; FAILED_PRECONDITION where the data have no training or validation part
// (EMPTY_PART), the checkpoint is of other data (OTHER_DATASET) or options (OTHER_OPTIONS), or `data_dir` came to hold
// other data during the run (OTHER_DATASET); INTERNAL (LOSS_NOT_FINITE) naming epoch, step, rows of the data and the
// last good checkpoint where the loss is not finite; RESOURCE_EXHAUSTED (OUT_OF_MEMORY) where one pair at a time is too
// much; of several processes UNAVAILABLE (RANKS_MISSING) where they do not find each other, INTERNAL (RANK_LOST) where
// one has ended, FAILED_PRECONDITION (RANKS_DIFFER) where they have other data or options.
absl::StatusOr<TrainingReport> Train(const std::string& data_dir, const std::string& output_dir,
                                     const TrainingOptions& options, bool resume, const std::atomic<bool>& stop,
                                     TrainingObserver* observer, const RankPlace& place = RankPlace());

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_TRAINER_H_
