// The end of a run: from what the worker left to what the job becomes.
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/jobs/artifacts.h"
#include "server/jobs/job_engine_impl.h"
#include "server/jobs/job_files.h"
#include "server/jobs/worker_process.h"
#include "spdlog/spdlog.h"

namespace deepbindnet {
namespace {

v1::Dataset MakeDataset(const v1::Job& job) {
  v1::Dataset dataset;
  dataset.set_name(job.spec().prepare_dataset().dataset());
  dataset.set_job_id(job.id());
  *dataset.mutable_create_time() = job.end_time();
  *dataset.mutable_split() = job.spec().prepare_dataset().split();
  *dataset.mutable_summary() = job.result().dataset();
  return dataset;
}

v1::Model MakeModel(const v1::Job& job, const std::string& affinity_unit) {
  v1::Model model;
  model.set_name(job.spec().train().model());
  model.set_job_id(job.id());
  model.set_dataset(job.spec().train().dataset());
  *model.mutable_create_time() = job.end_time();
  *model.mutable_options() = job.spec().train().options();
  *model.mutable_result() = job.result().training();
  model.set_affinity_unit(affinity_unit);
  model.set_digest(job.result().training().digest());
  return model;
}

void AddLogTail(const std::string& log_file, Outcome* outcome) {
  const std::string tail = LogTail(log_file);
  if (tail.empty()) return;
  const std::string addition = absl::StrCat("; the end of its log: ", tail);
  absl::StrAppend(&outcome->why, addition);
  if (outcome->to == v1::FAILED) absl::StrAppend(outcome->error.mutable_message(), addition);
}

// The end of a job whose name turned out to be taken when its result was to be stored.
Outcome FailedByStore(const absl::Status& status) {
  Outcome outcome;
  outcome.to = v1::FAILED;
  outcome.why = std::string(status.message());
  outcome.error.set_reason(GetReason(status));
  outcome.error.set_message(outcome.why);
  return outcome;
}

}  // namespace

void JobEngineImpl::Settle(const std::string& id) {
  v1::Job settled;
  RunReport report;
  std::shared_ptr<Run> run;
  {
    MutexLock lock(&mutex_);
    LiveJob* live = Find(id);
    live->closing = true;
    settled = live->job;
    run = live->run;
    report = run->report;
  }
  run->handle.reset();
  Outcome outcome = PrepareOutcome(report, &settled);
  {
    MutexLock lock(&mutex_);
    CommitOutcome(Find(id), std::move(outcome), &settled);
    changed_.SignalAll();
  }
  if (HasEnded(settled.state())) RemoveUpload(layout_, settled);
  spdlog::info("job {} is {}", id, v1::JobState_Name(settled.state()));
  listeners_.Notify(id);
}

Outcome JobEngineImpl::PrepareOutcome(const RunReport& report, v1::Job* settled) {
  Outcome outcome = DecideOutcome(*settled, report);
  if (outcome.crashed) {
    if (report.exit.how != WorkerExit::How::kNotStarted) {
      AddLogTail(absl::StrCat(layout_.JobDir(settled->id()), "/", kWorkerLog), &outcome);
    }
    spdlog::warn("job {}: {}", settled->id(), outcome.why);
  }
  if (outcome.to == v1::SUCCEEDED) {
    *settled->mutable_result() = *report.result;
    const std::vector<std::string> artifacts = ListArtifacts(layout_, *settled);
    *settled->mutable_artifacts() = {artifacts.begin(), artifacts.end()};
  } else if (HasEnded(outcome.to)) {
    const std::vector<std::string> artifacts = DiscardOutput(layout_, *settled);
    *settled->mutable_artifacts() = {artifacts.begin(), artifacts.end()};
  } else if (outcome.crashed) {
    settled->set_restarts(settled->restarts() + 1);
  }
  return outcome;
}

void JobEngineImpl::CommitOutcome(LiveJob* live, Outcome outcome, v1::Job* settled) {
  while (true) {
    const absl::Status written = WriteOutcome(live, outcome, settled);
    if (written.ok()) break;
    if (absl::IsAlreadyExists(written)) {
      outcome = FailedByStore(written);
      settled->clear_result();
      settled->clear_artifacts();
      continue;
    }
    spdlog::error("job {}: cannot record how it ended: {}", settled->id(), std::string(written.message()));
    if (draining_ && clock_->Now() >= drain_deadline_) break;  // The next server finds it RUNNING and resumes it.
    WaitBeforeRetry();
  }
  live->job = *settled;
  live->progress.Clear();
  live->run = nullptr;
  live->closing = false;
  if (HasEnded(settled->state())) live_.erase(settled->id());
}

absl::Status JobEngineImpl::WriteOutcome(LiveJob* live, const Outcome& outcome, v1::Job* settled) {
  v1::Job job = *settled;
  DBN_ASSIGN_OR_RETURN(v1::JobEvent change, TransitionState(&job, outcome.to, outcome.why, clock_->Now()));
  std::vector<v1::JobEvent> events = live->unsaved;
  if (outcome.to == v1::SUCCEEDED) {
    *events.emplace_back().mutable_result() = job.result();
    *events.back().mutable_time() = change.time();
  }
  if (outcome.to == v1::FAILED) {
    *job.mutable_error() = outcome.error;
    *events.emplace_back().mutable_error() = outcome.error;
    *events.back().mutable_time() = change.time();
  }
  events.push_back(std::move(change));
  DBN_RETURN_IF_ERROR(WriteWithProduct(&job, std::move(events)));
  live->unsaved.clear();
  *settled = std::move(job);
  return absl::OkStatus();
}

absl::Status JobEngineImpl::WriteWithProduct(v1::Job* job, std::vector<v1::JobEvent> events) {
  if (job->state() == v1::SUCCEEDED && job->spec().has_prepare_dataset()) {
    return store_->FinishJobWithDataset(job, std::move(events), MakeDataset(*job));
  }
  if (job->state() == v1::SUCCEEDED && job->spec().has_train()) {
    DBN_ASSIGN_OR_RETURN(const v1::Dataset dataset, store_->GetDataset(job->spec().train().dataset()));
    return store_->FinishJobWithModel(job, std::move(events), MakeModel(*job, dataset.summary().affinity_unit()));
  }
  return store_->UpdateJob(job, std::move(events));
}

}  // namespace deepbindnet
