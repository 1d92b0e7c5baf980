#include "core/training/training_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/compute/torch_util.h"
#include "core/training/hparams.h"
#include "core/training/summaries.h"
#include "core/training/unit_histogram.h"

namespace deepbindnet {
namespace {

WireMessage EpochEvent(const EpochReport& report) {
  return ScalarsEvent(report.epoch, {{"Loss/train", report.train_loss},
                                     {"RMSE/train", report.train.rmse},
                                     {"RMSE/val", report.val.rmse},
                                     {"R2/train", report.train.r2},
                                     {"R2/val", report.val.r2},
                                     {"CI/val", report.val.ci},
                                     {"LearningRate/epoch", report.learning_rate},
                                     {"Gate/mean", report.gate_mean},
                                     {"Gate/sd", report.gate_sd},
                                     {"PairsPerSecond/epoch", report.pairs_per_second}});
}

// Of best_model.pt; of the test part where there is one.
Scalars BestScalars(const TrainingReport& report) {
  Scalars scalars;
  const auto add = [&scalars](const char* part, const RegressionMetrics& metrics) {
    scalars.emplace_back(absl::StrCat("Best/RMSE_", part), metrics.rmse);
    scalars.emplace_back(absl::StrCat("Best/MAE_", part), metrics.mae);
    scalars.emplace_back(absl::StrCat("Best/R2_", part), metrics.r2);
    scalars.emplace_back(absl::StrCat("Best/CI_", part), metrics.ci);
  };
  add("val", report.val);
  if (report.test.pairs > 0) add("test", report.test);
  return scalars;
}

// The columns of the HParams page.
std::vector<std::string> MetricTags() {
  TrainingReport report;
  report.test.pairs = 1;
  std::vector<std::string> tags;
  for (const auto& [tag, value] : BestScalars(report)) tags.push_back(tag);
  return tags;
}

// One distribution for each side of each fusion layer. A forward pass appends those of the first layer, drug side
// before target side, then those of the second; several passes stand one behind the other.
Histograms GateHistograms(const std::vector<torch::Tensor>& gates, int fusion_layers) {
  const size_t kinds = 2 * static_cast<size_t>(fusion_layers);
  TORCH_CHECK(gates.size() % kinds == 0, "gate values of ", gates.size(), " sides of ", fusion_layers, " layers");
  Histograms histograms;
  for (size_t kind = 0; kind < std::min(kinds, gates.size()); ++kind) {
    std::vector<torch::Tensor> values;
    for (size_t i = kind; i < gates.size(); i += kinds) values.push_back(gates[i].flatten());
    histograms.emplace_back(absl::StrCat("Gate/layer_", kind / 2 + 1, kind % 2 == 0 ? "/drug" : "/target"),
                            MakeUnitHistogram(torch::cat(values)));
  }
  return histograms;
}

}  // namespace

double TrainingLog::Now() { return static_cast<double>(absl::ToUnixMicros(absl::Now())) * 1e-6; }

void TrainingLog::Try(const std::function<absl::Status()>& write) {
  const absl::Status status = CatchTorch(write);
  if (status.ok()) return;
  file_.reset();
  observer_.OnMessage(absl::StrCat("TensorBoard's log ends here, the training goes on: ", status.message()));
}

absl::Status TrainingLog::Append(const std::vector<WireMessage>& events) {
  for (const WireMessage& event : events) DBN_RETURN_IF_ERROR(file_->Append(clock_(), event));
  return absl::OkStatus();
}

void TrainingLog::Start(const TrainingOptions& options, const std::vector<EpochReport>& history, int64_t steps) {
  fusion_layers_ = options.model.fusion_layers;
  Try([&] { return Open(options, history, steps); });
}

absl::Status TrainingLog::Open(const TrainingOptions& options, const std::vector<EpochReport>& history, int64_t steps) {
  std::vector<WireMessage> events = {FileVersionEvent()};
  if (steps == 0) {
    DBN_RETURN_IF_ERROR(RemoveEventFiles(directory_));
  } else {
    events.push_back(SessionStartEvent(steps + 1));
  }
  events.push_back(TextEvent(steps, "Options", absl::StrCat("```\n", OptionsText(options), "\n```")));
  events.push_back(ExperimentEvent(options, MetricTags()));
  events.push_back(RunStartEvent(options, clock_()));
  std::vector<WireMessage> epochs;
  epochs.reserve(history.size());
  for (const EpochReport& report : history) epochs.push_back(EpochEvent(report));
  DBN_ASSIGN_OR_RETURN(epochs, MissingEvents(directory_, std::move(epochs)));
  DBN_ASSIGN_OR_RETURN(file_, EventFile::Create(directory_, static_cast<int64_t>(clock_())));
  DBN_RETURN_IF_ERROR(Append(events));
  return Append(epochs);
}

void TrainingLog::Step(const StepReport& report) {
  if (!file_) return;
  Try([&] {
    return Append({ScalarsEvent(report.run_step, {{"Loss/batch", report.batch_loss},
                                                  {"LearningRate", report.learning_rate},
                                                  {"PairsPerSecond", report.pairs_per_second}})});
  });
}

void TrainingLog::Epoch(const EpochReport& report, const std::vector<torch::Tensor>& gates) {
  if (!file_) return;
  Try([&]() -> absl::Status {
    DBN_RETURN_IF_ERROR(Append({EpochEvent(report)}));
    const Histograms histograms = GateHistograms(gates, fusion_layers_);
    return histograms.empty() ? absl::OkStatus() : Append({HistogramsEvent(report.epoch, histograms)});
  });
}

void TrainingLog::Finish(const TrainingReport& report) {
  if (!file_) return;
  Try([&]() -> absl::Status {
    // A run that had ended before and is resumed ends again.
    DBN_ASSIGN_OR_RETURN(std::vector<WireMessage> best,
                         MissingEvents(directory_, {ScalarsEvent(report.best_epoch, BestScalars(report))}));
    DBN_RETURN_IF_ERROR(Append(best));
    return Append({RunEndEvent(clock_())});
  });
}

}  // namespace deepbindnet
