#include "server/worker/training.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/compute/threads.h"
#include "server/convert/convert.h"
#include "server/worker/rank_processes.h"
#include "server/worker/stop.h"

namespace deepbindnet {
namespace {

absl::StatusOr<TrainingOptions> OptionsOf(const v1::WorkerTask& task) {
  DBN_ASSIGN_OR_RETURN(TrainingOptions options, FromProto(task.spec().train().options()));
  if (!task.device().empty()) options.device = task.device();
  return options;
}

}  // namespace

absl::StatusOr<TrainingReport> RunTraining(const v1::WorkerTask& task, TrainingObserver* observer) {
  DBN_ASSIGN_OR_RETURN(const TrainingOptions options, OptionsOf(task));
  const int count = options.num_processes;
  if (count == 1) return RunRank(task, RankPlace(), observer);
  DBN_RETURN_IF_ERROR(CheckProcessesFit(count, options.device));
  const int threads = std::max(1, DefaultComputeThreads() / count);  // They share what this job has.
  SetComputeThreads(threads);
  RankProcesses others(count);
  RankPlace place;
  place.world_size = count;
  place.connect_seconds = 60;
  place.on_listening = [&](int port) { return others.Start(task, port, threads); };
  auto report = RunRank(task, place, observer);
  const std::string ended = others.Finish(report.ok() || absl::IsCancelled(report.status()));
  const absl::Status& status = report.status();
  const bool others_are_why = GetReason(status) == "RANK_LOST" || GetReason(status) == "RANKS_MISSING";
  if (ended.empty() || !others_are_why) return report;
  return WithReason(absl::Status(status.code(), absl::StrCat(status.message(), "; ", ended)), GetReason(status),
                    GetErrorMetadata(status));
}

absl::StatusOr<TrainingReport> RunRank(const v1::WorkerTask& task, const RankPlace& place, TrainingObserver* observer) {
  DBN_ASSIGN_OR_RETURN(const TrainingOptions options, OptionsOf(task));
  if (options.num_processes != 1 && options.num_processes != place.world_size) {
    return InvalidField("num_processes", absl::StrCat(options.num_processes),
                        absl::StrCat("is not WORLD_SIZE (", place.world_size,
                                     "); leave it out where something else starts the processes"));
  }
  return Train(task.dataset_dir(), task.output_dir(), options, task.resume(), StopRequested(), observer, place);
}

}  // namespace deepbindnet
