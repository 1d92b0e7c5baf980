// What a training run leaves in its output directory, apart from the weights.
#ifndef DEEPBINDNET_CORE_TRAINING_RUN_FILES_H_
#define DEEPBINDNET_CORE_TRAINING_RUN_FILES_H_

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/checkpoint.h"
#include "core/training/trainer.h"

namespace deepbindnet {

struct RunFiles {
  std::string output_dir;

  std::string Best() const { return output_dir + "/best_model.pt"; }
  std::string Latest() const { return output_dir + "/latest_checkpoint.pt"; }
  std::string Epoch(int epoch) const { return output_dir + "/checkpoint_epoch_" + std::to_string(epoch) + ".pt"; }
  std::string MetricsCsv() const { return output_dir + "/metrics.csv"; }
  std::string Result() const { return output_dir + "/result.json"; }
};

// The options of a run, for the record in its checkpoints.
std::string TrainingOptionsToJson(const TrainingOptions& options);

// FAILED_PRECONDITION naming the field where a run with `options` cannot go on from the checkpoint as if it had never
// stopped. num_epochs, max_minutes, patience, keep_checkpoints and evaluate_test may differ.
absl::Status CheckResumable(const Checkpoint& checkpoint, const TrainingOptions& options);

// Removes what an earlier run left, the checkpoint that could be resumed first.
absl::Status RemoveRun(const RunFiles& files);

// Removes all but the `keep` newest checkpoints of single epochs; none where `keep` is 0.
absl::Status RemoveOldCheckpoints(const RunFiles& files, int keep);

// The epochs of a run as JSON and back; INVALID_ARGUMENT where the text is not of this form.
std::string HistoryToJson(const std::vector<EpochReport>& history);
absl::StatusOr<std::vector<EpochReport>> HistoryFromJson(const std::string& text);

// One line an epoch: the metrics of both parts (of train the errors alone), learning rate, gate statistics, speed.
// Written whole.
absl::Status WriteMetricsCsv(const std::string& path, const std::vector<EpochReport>& history);

absl::Status WriteResult(const std::string& path, const TrainingReport& report);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_RUN_FILES_H_
