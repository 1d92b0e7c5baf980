// A run's course for TensorBoard, in event files.
#ifndef DEEPBINDNET_CORE_TRAINING_TRAINING_LOG_H_
#define DEEPBINDNET_CORE_TRAINING_TRAINING_LOG_H_

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/training/event_file.h"
#include "core/training/trainer.h"

namespace deepbindnet {

// Writes what `tensorboard --logdir` shows of a run; docs/formats/event_files.md lists the tags. Each call adds its
// events to the file at once, before it returns: a killed run loses nothing that it has told. A run that is resumed
// adds a file, and readers drop the steps that are trained again. Writing never stops a training: after the first error
// the observer gets a message, and the log stays as it is. Not thread-safe; blocks on the file system.
class TrainingLog {
 public:
  // Seconds since 1970.
  using Clock = std::function<double()>;
  static double Now();

  // The files go into `directory`, made where it is missing.
  TrainingLog(std::string directory, TrainingObserver* observer, Clock clock = Now)
      : directory_(std::move(directory)), observer_(*observer), clock_(std::move(clock)) {}

  // Call it first, once. `history` are the epochs and `steps` the optimiser steps of the run so far. Without a step the
  // run is new, and an earlier run's event files are removed. Else an epoch that a killed process had saved and not yet
  // logged is added, without its histograms.
  void Start(const TrainingOptions& options, const std::vector<EpochReport>& history, int64_t steps);

  // After an optimiser step.
  void Step(const StepReport& report);

  // After an epoch's checkpoint is on disk: what is logged is never trained again. `gates` are the values that
  // AffinityModel appends in one or more forward passes, those of report.gate_mean; empty for a standard model.
  void Epoch(const EpochReport& report, const std::vector<torch::Tensor>& gates);

  // After result.json is on disk.
  void Finish(const TrainingReport& report);

 private:
  // Runs `write` while the log works.
  void Try(const std::function<absl::Status()>& write);
  absl::Status Open(const TrainingOptions& options, const std::vector<EpochReport>& history, int64_t steps);
  absl::Status Append(const std::vector<WireMessage>& events);

  const std::string directory_;
  TrainingObserver& observer_;
  const Clock clock_;
  int fusion_layers_ = 0;
  std::optional<EventFile> file_;  // None before Start() and after an error.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_TRAINING_LOG_H_
