// What Train() does, step by step.
#ifndef DEEPBINDNET_CORE_TRAINING_TRAINING_RUN_H_
#define DEEPBINDNET_CORE_TRAINING_TRAINING_RUN_H_

#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/processed_dataset.h"
#include "core/model/checkpoint.h"
#include "core/training/batch_trainer.h"
#include "core/training/ranks.h"
#include "core/training/run_files.h"
#include "core/training/run_state.h"
#include "core/training/trainer.h"
#include "core/training/training_log.h"

namespace deepbindnet {

// One run from its first (or resumed) step to its last, on one rank.
class TrainingRun {
 public:
  TrainingRun(const std::string& data_dir, const std::string& output_dir, const TrainingOptions& options,
              const RankPlace& place, const std::atomic<bool>& stop, TrainingObserver* observer)
      : data_dir_(data_dir),
        files_{output_dir},
        options_(options),
        place_(place),
        stop_(stop),
        observer_(place.rank == 0 ? *observer : silent_),
        log_(output_dir + "/logs", &observer_) {
    options_.num_processes = place.world_size;
  }

  absl::Status Connect();
  absl::Status Load();
  absl::Status Start();
  absl::Status Resume();
  absl::Status TrainEpochs();
  absl::StatusOr<TrainingReport> Finish();

 private:
  absl::Status CheckSameData();
  absl::Status FitPrior();  // Its time counts as training time.
  absl::Status MakeTrainer(int replicas);
  // Rank 0's latest checkpoint, on every rank; empty where there is none.
  absl::StatusOr<std::string> ReadLatest();
  absl::Status Restore(const Checkpoint& checkpoint);

  // Lets all ranks agree on how late it is and whether to stop.
  absl::Status Agree();
  // Why no further epoch is to be trained; empty while there is one.
  std::string StopReason() const;
  absl::Status TrainEpoch(int epoch);
  absl::Status Step(const std::vector<int64_t>& chosen, StepReport* step);
  absl::Status NotFinite(const std::vector<int64_t>& chosen, const StepReport& step, const StepOutcome& outcome) const;
  int64_t StepPairs() const;
  double Progress(int64_t steps_per_epoch) const;
  double EtaSeconds(const StepReport& step) const;
  bool HasPriorMember() const { return options_.model.similarity_prior && options_.model.members > 1; }
  bool TimeIsUp() const { return options_.max_minutes > 0 && state_.elapsed_seconds >= 60 * options_.max_minutes; }
  // At `progress` in [0, 1] of the run.
  absl::Status EndEpoch(const std::vector<int64_t>& trained, EpochReport report, double progress);
  // The averaged members' predictions of the validation part. Shape: [members, pairs] float, z-scored.
  absl::StatusOr<torch::Tensor> PredictValidation();
  // Lets the member with the prior rest where that is due, and every member count as it deserves.
  absl::StatusOr<RegressionMetrics> Validate(int epoch, double progress);
  absl::StatusOr<RegressionMetrics> EvaluateTest(const LoadedModel& best) const;
  void SetGateStatistics(EpochReport* report) const;

  Checkpoint MakeCheckpoint();
  absl::Status SaveStep();
  absl::Status SaveEpoch(const EpochReport& report);
  absl::Status SaveBest(Checkpoint checkpoint);
  std::string LastGood() const;

  const std::string data_dir_;
  const RunFiles files_;
  TrainingOptions options_;  // Constant after Load(), which sets what the data set decides.
  const RankPlace place_;
  const std::atomic<bool>& stop_;
  SilentObserver silent_;
  TrainingObserver& observer_;
  TrainingLog log_;  // Of rank 0; others do not start it.

  // Constant after Load().
  torch::Device device_ = torch::kCPU;
  std::unique_ptr<Ranks> ranks_;
  ProcessedDataset dataset_;  // train and val
  c10::optional<torch::Dtype> half_;
  std::shared_ptr<const SimilarityPrior> prior_;  // Null without.
  torch::Tensor held_out_prior_;                  // Of the training pairs, as TrainingPairs::prior.

  // Made by Start() or Resume().
  std::unique_ptr<BatchTrainer> trainer_;
  RunState state_;
  int best_epoch_ = 0;
  double elapsed_before_ = 0;  // Of earlier processes of this run.
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  double saved_at_ = 0;    // state_.elapsed_seconds of the newest checkpoint.
  bool stopping_ = false;  // A rank has been told to stop.

  std::vector<torch::Tensor> gates_;  // Of the newest batch looked at.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_TRAINING_RUN_H_
