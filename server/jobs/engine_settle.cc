// The end of a run: from what the worker left to what the job becomes.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/jobs/artifacts.h"
#include "server/jobs/job_engine_impl.h"
#include "server/jobs/job_files.h"
#include "server/jobs/worker_process.h"
#include "server/logging/logging.h"

namespace deepbindnet {
namespace {

v1::Dataset MakeDataset(const v1::Job& job) {
  v1::Dataset dataset;
  dataset.set_name(job.spec().prepare_dataset().dataset());
  dataset.set_job_id(job.id());
  dataset.set_submitter(job.submitter());
  *dataset.mutable_create_time() = job.end_time();
  *dataset.mutable_split() = job.spec().prepare_dataset().split();
  *dataset.mutable_summary() = job.result().dataset();
  return dataset;
}

v1::Model MakeModel(const v1::Job& job, const v1::DatasetSummary& dataset) {
  v1::Model model;
  model.set_name(job.spec().train().model());
  model.set_job_id(job.id());
  model.set_submitter(job.submitter());
  model.set_dataset(job.spec().train().dataset());
  *model.mutable_create_time() = job.end_time();
  *model.mutable_options() = job.spec().train().options();
  *model.mutable_result() = job.result().training();
  model.set_affinity_unit(dataset.affinity_unit());
  if (dataset.has_affinity_direction()) model.set_affinity_direction(dataset.affinity_direction());
  model.set_protein_feature_dim(dataset.protein_feature_dim());
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

// The end of a job whose own end the store does not take.
Outcome FailedByStore(const absl::Status& status) {
  Outcome outcome;
  outcome.to = v1::FAILED;
  outcome.why = std::string(status.message());
  outcome.error.set_reason(GetReason(status));
  outcome.error.set_message(outcome.why);
  return outcome;
}

absl::Duration BackoffAfter(int times) {
  constexpr absl::Duration kFirst = absl::Seconds(1);
  constexpr absl::Duration kLongest = absl::Minutes(5);
  return std::min(kLongest, kFirst * (1 << std::min(times - 1, 20)));
}

// Messages go to clients, to whom paths of this machine say nothing.
std::string WithoutPaths(const DataLayout& layout, absl::string_view message) {
  return absl::StrReplaceAll(message, {{absl::StrCat(layout.data_dir, "/"), ""}});
}

void HidePaths(const DataLayout& layout, Outcome* outcome) {
  outcome->why = WithoutPaths(layout, outcome->why);
  outcome->error.set_message(WithoutPaths(layout, outcome->error.message()));
}

}  // namespace

void JobEngineImpl::Settle(const std::string& id, Run* run) {
  run->handle.reset();
  absl::Status recorded = run->outcome ? absl::OkStatus() : DecideOutcomeOf(id, run);
  if (recorded.ok()) recorded = CommitOutcome(id, run);
  if (absl::IsAlreadyExists(recorded)) {
    run->owns_output = false;
    run->outcome = FailedByStore(recorded);
    HidePaths(layout_, &*run->outcome);
    run->settled.clear_result();
    run->settled.clear_artifacts();
    recorded = CommitOutcome(id, run);
  }
  if (!recorded.ok()) return SettleLater(id, recorded);
  // The name is free by now, but nobody writes there before this thread starts another worker.
  const v1::Job& settled = run->settled;
  if (HasEnded(settled.state())) {
    if (settled.state() != v1::SUCCEEDED && run->owns_output) RemoveOutput(layout_, settled);
    RemoveUpload(layout_, settled);
  }
  Log(LogLevel::kInfo, "a job's run has ended", {{"job_id", id}, {"state", v1::JobState_Name(settled.state())}});
  listeners_.Notify(id);
}

absl::Status JobEngineImpl::DecideOutcomeOf(const std::string& id, Run* run) {
  v1::Job settled;
  RunReport report;
  {
    MutexLock lock(&mutex_);
    LiveJob* const live = Find(id);
    live->closing = true;
    settled = live->job;
    report = run->report;
  }
  Outcome outcome = DecideOutcome(settled, report);
  if (outcome.crashed) AddLogTail(absl::StrCat(layout_.JobDir(id), "/", kWorkerLog), &outcome);
  HidePaths(layout_, &outcome);
  if (outcome.to == v1::SUCCEEDED) {
    *settled.mutable_result() = *report.result;
    SetArtifacts(ListArtifacts(layout_, settled), &settled);
  } else if (outcome.to == v1::FAILED) {
    DBN_ASSIGN_OR_RETURN(const std::vector<std::string> kept, KeepOutput(layout_, settled));
    SetArtifacts(kept, &settled);
  } else if (outcome.crashed) {
    settled.set_restarts(settled.restarts() + 1);
  }
  if (outcome.crashed || outcome.not_started) {
    Log(LogLevel::kWarning, "a job's worker is lost", {{"job_id", id}, {"why", outcome.why}});
  }
  run->outcome = std::move(outcome);
  run->settled = std::move(settled);
  return absl::OkStatus();
}

absl::Status JobEngineImpl::CommitOutcome(const std::string& id, Run* run) {
  MutexLock lock(&mutex_);
  LiveJob* const live = Find(id);
  DBN_RETURN_IF_ERROR(WriteOutcome(live, *run->outcome, &run->settled));
  live->job = run->settled;
  live->progress.Clear();
  live->run = nullptr;
  live->closing = false;
  live->trouble.Clear();
  if (run->outcome->not_started) live->not_before = clock_->Now() + BackoffAfter(++live->failed_starts);
  // Where the disk has space by then, something else may limit what the job can write.
  if (live->job.state() == v1::PAUSED && live->job.has_pause()) {
    live->not_before = clock_->Now() + BackoffAfter(++live->disk_pauses);
  }
  if (HasEnded(live->job.state())) live_.erase(id);
  changed_.SignalAll();
  return absl::OkStatus();
}

void JobEngineImpl::SettleLater(const std::string& id, const absl::Status& why) {
  const std::string message = WithoutPaths(layout_, absl::StrCat("its end cannot be recorded yet: ", why.message()));
  bool given_up = false;
  bool is_news = false;  // The log has it once, and not every second.
  {
    MutexLock lock(&mutex_);
    LiveJob* const live = Find(id);
    live->run->settle_at = clock_->Now() + kRetryAfter;
    is_news = live->trouble.message() != message;
    live->trouble.set_reason(GetReason(why));
    live->trouble.set_message(message);
    given_up = clock_->Now() >= drain_deadline_;
    if (given_up) {
      live->run = nullptr;
      live->closing = false;
      changed_.SignalAll();
    }
  }
  if (!is_news && !given_up) return;
  Log(LogLevel::kError,
      given_up ? "cannot record how a job ended, and the next start of the server runs it again"
               : "cannot record how a job ended yet",
      {{"job_id", id}, {"error", std::string(why.message())}});
}

absl::Status JobEngineImpl::WriteOutcome(LiveJob* live, const Outcome& outcome, v1::Job* settled) {
  v1::Job job = *settled;
  DBN_ASSIGN_OR_RETURN(v1::JobEvent change, TransitionState(&job, outcome.to, outcome.why, clock_->Now()));
  std::vector<v1::JobEvent> events = live->unsaved;
  if (outcome.to == v1::SUCCEEDED) {
    *events.emplace_back().mutable_result() = job.result();
    *events.back().mutable_time() = change.time();
  }
  if (outcome.to == v1::PAUSED && !outcome.error.reason().empty()) *job.mutable_pause() = outcome.error;
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
    return store_->FinishJobWithModel(job, std::move(events), MakeModel(*job, dataset.summary()));
  }
  return store_->UpdateJob(job, std::move(events));
}

}  // namespace deepbindnet
