#include "server/worker/task_runner.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/data/preprocess.h"
#include "core/data/processed_dataset.h"
#include "core/data/split_labels.h"
#include "google/protobuf/util/time_util.h"
#include "server/convert/convert.h"
#include "server/worker/compare_models.h"
#include "server/worker/directory_lock.h"
#include "server/worker/phase_speed.h"
#include "server/worker/stop.h"
#include "server/worker/training.h"

namespace deepbindnet {
namespace {

google::protobuf::Duration ToDuration(double seconds) {
  return google::protobuf::util::TimeUtil::MillisecondsToDuration(std::llround(seconds * 1e3));
}

// Reports how far a phase is, with its speed.
class CountReporter {
 public:
  // `ends_job`: the job is done when the phase is, so that the time left is known.
  CountReporter(EventWriter* events, bool ends_job) : events_(events), ends_job_(ends_job) {}

  void Report(absl::string_view phase, int64_t done, int64_t total, absl::string_view unit) {
    speed_.Update(phase, done, absl::Now());
    v1::Progress progress;
    progress.set_phase(std::string(phase));
    progress.set_done(static_cast<uint64_t>(done));
    progress.set_total(static_cast<uint64_t>(total));
    progress.set_unit(std::string(unit));
    progress.set_rate(speed_.rate());
    if (ends_job_ && speed_.rate() > 0.0 && total > done) {
      *progress.mutable_eta() = ToDuration(static_cast<double>(total - done) / speed_.rate());
    }
    events_->Progress(progress);
  }

 private:
  EventWriter* const events_;
  const bool ends_job_;
  PhaseSpeed speed_;
};

// Passes a training's course on. Stops the training when nobody listens any more.
class EventObserver : public TrainingObserver {
 public:
  explicit EventObserver(EventWriter* events) : events_(events) {}

  void OnPhase(absl::string_view phase) override {
    v1::Progress progress;
    progress.set_phase(std::string(phase));
    events_->Progress(progress);
  }

  void OnStep(const StepReport& report) override {
    v1::Progress progress;
    progress.set_phase("training");
    progress.set_done(static_cast<uint64_t>(report.pairs));
    progress.set_total(static_cast<uint64_t>(report.epoch_pairs));
    progress.set_unit("pairs");
    progress.set_epoch(static_cast<uint32_t>(report.epoch));
    progress.set_loss(report.loss);
    progress.set_rate(report.pairs_per_second);
    if (report.eta_seconds > 0.0) *progress.mutable_eta() = ToDuration(report.eta_seconds);
    events_->Progress(progress);
    if (!events_->status().ok()) RequestStop();
  }

  void OnEpoch(const EpochReport& report) override { events_->Epoch(ToProto(report)); }
  void OnMessage(absl::string_view message) override { events_->Log(v1::LogLine::INFO, message); }

 private:
  EventWriter* const events_;
};

// The unit of preprocessing's counts.
absl::string_view PhaseUnit(absl::string_view phase) {
  if (phase == "reading") return "bytes";
  if (phase == "featurising") return "molecules";
  return "";
}

absl::StatusOr<v1::JobResult> Prepare(const v1::WorkerTask& task, EventWriter* events) {
  const v1::PrepareDatasetSpec& spec = task.spec().prepare_dataset();
  DBN_ASSIGN_OR_RETURN(const PreprocessOptions options, FromProto(spec));
  CountReporter reporter(events, /*ends_job=*/false);
  const auto progress = [&reporter](absl::string_view phase, int64_t done, int64_t total) {
    reporter.Report(phase, done, total, PhaseUnit(phase));
  };
  const auto manifest = Preprocess(task.input_file(), task.dataset_dir(), options, progress);
  DBN_RETURN_IF_ERROR(manifest.status());
  if (!manifest->split_labels.empty()) {
    events->Log(v1::LogLine::INFO,
                absl::StrCat("column ", manifest->split.split_column, ": ", DescribeLabels(manifest->split_labels)));
  }
  DBN_ASSIGN_OR_RETURN(const ProcessedDataset dataset, LoadProcessedDataset(task.dataset_dir(), {}));
  v1::JobResult result;
  *result.mutable_dataset() = ToProto(*manifest, dataset.scaler);
  return result;
}

absl::StatusOr<v1::JobResult> TrainModel(const v1::WorkerTask& task, EventWriter* events) {
  EventObserver observer(events);
  DBN_ASSIGN_OR_RETURN(const TrainingReport report, RunTraining(task, &observer));
  v1::JobResult result;
  *result.mutable_training() = ToProto(report);
  return result;
}

absl::StatusOr<v1::JobResult> RunComparison(const v1::WorkerTask& task, EventWriter* events) {
  const v1::CompareSpec& spec = task.spec().compare();
  if (spec.models_size() != task.checkpoints_size()) {
    return InvalidField("checkpoints", absl::StrCat(task.checkpoints_size()),
                        absl::StrCat("are not one for each of ", spec.models_size(), " models"));
  }
  std::vector<NamedCheckpoint> models;
  for (int i = 0; i < spec.models_size(); ++i) models.push_back({spec.models(i), task.checkpoints(i)});
  CountReporter reporter(events, /*ends_job=*/true);
  DBN_ASSIGN_OR_RETURN(const ModelComparisonRun run,
                       CompareModels(models, spec.dataset(), task.dataset_dir(), task.output_dir(),
                                     [&reporter](absl::string_view phase, int64_t done, int64_t total) {
                                       reporter.Report(phase, done, total, "models");
                                     }));
  v1::JobResult result;
  *result.mutable_comparison() = ToProto(run.input, run.comparison);
  return result;
}

absl::StatusOr<v1::JobResult> RunKind(const v1::WorkerTask& task, EventWriter* events) {
  switch (task.spec().kind_case()) {
    case v1::JobSpec::kPrepareDataset:
      return Prepare(task, events);
    case v1::JobSpec::kTrain:
      return TrainModel(task, events);
    case v1::JobSpec::kCompare:
      return RunComparison(task, events);
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return absl::InternalError("a kind of job that this worker does not know");
}

// What the client knows instead of the server's paths: its own file's name, artifacts, data sets and models by name.
std::vector<std::pair<std::string, std::string>> ClientNames(const v1::WorkerTask& task) {
  std::vector<std::pair<std::string, std::string>> names;
  const v1::JobSpec& spec = task.spec();
  if (spec.has_prepare_dataset()) {
    const std::string& file = spec.prepare_dataset().file_name();
    names.emplace_back(task.input_file(), file.empty() ? spec.prepare_dataset().dataset() : file);
  }
  for (int i = 0; i < task.checkpoints_size() && i < spec.compare().models_size(); ++i) {
    names.emplace_back(task.checkpoints(i), absl::StrCat("model ", spec.compare().models(i)));
  }
  const std::string& written = spec.has_prepare_dataset() ? task.dataset_dir() : task.output_dir();
  names.emplace_back(absl::StrCat(written, "/"), "");
  names.emplace_back(written, "the job's output");
  const std::string& dataset = spec.has_train() ? spec.train().dataset() : spec.compare().dataset();
  names.emplace_back(task.dataset_dir(), absl::StrCat("data set ", dataset));
  names.erase(std::remove_if(names.begin(), names.end(), [](const auto& name) { return name.first.size() < 2; }),
              names.end());
  return names;
}

// The engine moves what it keeps of a failed job: the message says how to get it.
absl::Status ForClient(const v1::WorkerTask& task, const absl::Status& status) {
  const v1::JobSpec& spec = task.spec();
  std::string message = absl::StrReplaceAll(status.message(), ClientNames(task));
  const bool names_rows = spec.has_prepare_dataset() && absl::StrContains(message, "rejected.csv");
  const bool names_checkpoint = spec.has_train() && absl::StrContains(message, "checkpoint.pt");
  if (names_rows || names_checkpoint) {
    absl::StrAppend(&message, "; get it with `deepbindnet jobs download ",
                    names_rows ? spec.prepare_dataset().dataset() : spec.train().model(), "`");
  }
  return WithReason(absl::Status(status.code(), message), GetReason(status), GetErrorMetadata(status));
}

}  // namespace

absl::StatusOr<v1::JobResult> RunTask(const v1::WorkerTask& task, EventWriter* events) {
  const auto kind = task.spec().kind_case();
  if (kind == v1::JobSpec::KIND_NOT_SET) return InvalidField("spec", "", "names no kind of job");
  if (task.dataset_dir().empty()) return InvalidField("dataset_dir", "", "is missing");
  const bool prepares = kind == v1::JobSpec::kPrepareDataset;
  const std::string& written = prepares ? task.dataset_dir() : task.output_dir();
  if (written.empty()) return InvalidField("output_dir", "", "is missing");

  HandleStopSignals(kind == v1::JobSpec::kTrain ? OnStop::kFinish : OnStop::kExit);
  DBN_ASSIGN_OR_RETURN(const FileDescriptor lock, LockDirectory(written));
  auto result = RunKind(task, events);
  if (!result.ok()) return ForClient(task, result.status());
  return result;
}

}  // namespace deepbindnet
