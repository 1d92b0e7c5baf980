#include "server/metrics/job_collector.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "server/metrics/gauge_family.h"
#include "server/store/job_kind.h"

namespace deepbindnet {
namespace {

const std::vector<v1::JobKind>& AllKinds() {
  static const std::vector<v1::JobKind> kinds = {v1::PREPARE_DATASET, v1::TRAIN, v1::COMPARE};
  return kinds;
}

const std::vector<v1::JobState>& AllStates() {
  static const std::vector<v1::JobState> states = {v1::QUEUED, v1::RUNNING,   v1::CANCELLING, v1::SUCCEEDED,
                                                   v1::FAILED, v1::CANCELLED, v1::PAUSED,     v1::PAUSING};
  return states;
}

// Families of the trainings that run.
class TrainingFamilies {
 public:
  void Add(const v1::Job& job) {
    const std::vector<prometheus::ClientMetric::Label> labels = {{"job", job.id()}, {"model", job.name()}};
    const v1::Progress& progress = job.progress();
    const v1::EpochMetrics& epoch = job.latest_epoch();
    AddSeries(&epoch_, progress.epoch() > 0 ? progress.epoch() : epoch.epoch(), labels);
    // A series that has no value yet would be read as a loss of 0.
    if (progress.loss() > 0 || epoch.epoch() > 0) {
      AddSeries(&loss_, progress.loss() > 0 ? progress.loss() : epoch.train_loss(), labels);
    }
    if (epoch.epoch() == 0) return;
    AddSeries(&rmse_, epoch.val().rmse(), labels);
    AddSeries(&speed_, epoch.pairs_per_second(), labels);
  }

  std::vector<prometheus::MetricFamily> Take() && {
    return {std::move(epoch_), std::move(loss_), std::move(rmse_), std::move(speed_)};
  }

 private:
  prometheus::MetricFamily epoch_ = MakeFamily("deepbindnet_training_epoch", "Epoch that the training is in, from 1.");
  prometheus::MetricFamily loss_ =
      MakeFamily("deepbindnet_training_loss", "Running mean of the training loss on z-scored affinities.");
  prometheus::MetricFamily rmse_ =
      MakeFamily("deepbindnet_training_rmse", "Validation RMSE of the last epoch, in the affinity's unit.");
  prometheus::MetricFamily speed_ =
      MakeFamily("deepbindnet_training_pairs_per_second", "Training pairs a second during the last epoch.");
};

}  // namespace

std::vector<prometheus::MetricFamily> JobCollector::Collect() const {
  prometheus::MetricFamily jobs = MakeFamily("deepbindnet_jobs", "Jobs in the store.");
  TrainingFamilies trainings;
  if (const auto running = store_->ListJobsInStates({v1::RUNNING}); running.ok()) {
    for (const v1::Job& job : *running) {
      if (KindOf(job.spec()) != v1::TRAIN) continue;
      if (const auto live = engine_->Get(job.id()); live.ok()) trainings.Add(*live);
    }
  }
  if (const auto counted = store_->CountJobs(); counted.ok()) {
    std::map<std::pair<v1::JobKind, v1::JobState>, int64_t> counts;
    for (const JobCount& count : *counted) counts[{count.kind, count.state}] = count.jobs;
    for (const v1::JobKind kind : AllKinds()) {
      for (const v1::JobState state : AllStates()) {
        AddSeries(&jobs, static_cast<double>(counts[{kind, state}]),
                  {{"kind", absl::AsciiStrToLower(v1::JobKind_Name(kind))},
                   {"state", absl::AsciiStrToLower(v1::JobState_Name(state))}});
      }
    }
  }
  prometheus::MetricFamily slots = MakeFamily("deepbindnet_device_slots", "Device slots for jobs.");
  const std::vector<v1::DeviceSlot> all = engine_->slots();
  const auto free =
      std::count_if(all.begin(), all.end(), [](const v1::DeviceSlot& slot) { return slot.job().empty(); });
  AddSeries(&slots, static_cast<double>(free), {{"state", "free"}});
  AddSeries(&slots, static_cast<double>(all.size()) - static_cast<double>(free), {{"state", "taken"}});
  std::vector<prometheus::MetricFamily> families = std::move(trainings).Take();
  families.push_back(std::move(jobs));
  families.push_back(std::move(slots));
  return families;
}

}  // namespace deepbindnet
