#include "server/jobs/job_engine_impl.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "server/jobs/artifacts.h"
#include "server/jobs/job_files.h"
#include "server/jobs/job_id.h"
#include "server/jobs/submission.h"
#include "server/jobs/worker_process.h"
#include "server/jobs/worker_task.h"
#include "server/store/job_kind.h"

namespace deepbindnet {
namespace {

// How long Cancel waits for a job that is just being settled.
constexpr absl::Duration kSettleWait = absl::Seconds(5);

absl::Status CheckOptions(const JobEngineOptions& options) {
  if (options.slots < 1 || options.slots > 64) {
    return InvalidField("slots", absl::StrCat(options.slots), "is not in 1..64; give the jobs to run side by side");
  }
  if (options.max_queued < 1) {
    return InvalidField("max_queued", absl::StrCat(options.max_queued), "is not positive; give the jobs that may wait");
  }
  if (options.stop_grace < absl::ZeroDuration()) {
    return InvalidField("stop_grace", absl::FormatDuration(options.stop_grace), "is negative; give 0 or more");
  }
  return absl::OkStatus();
}

absl::Status Draining() {
  return WithReason(absl::UnavailableError("the server is shutting down; try again when it is back"), "SHUTTING_DOWN");
}

absl::Status QueueFull(int waiting) {
  return WithReason(absl::ResourceExhaustedError(
                        absl::StrCat("the queue is full: ", waiting, " jobs wait; try again when some have ended")),
                    "QUEUE_FULL");
}

// True unless it is certain that nothing of this name is stored.
bool MayHaveProduct(const v1::JobSpec& spec, Store* store) {
  if (spec.has_prepare_dataset()) return !absl::IsNotFound(store->GetDataset(NameOf(spec)).status());
  if (spec.has_train()) return !absl::IsNotFound(store->GetModel(NameOf(spec)).status());
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobEngine>> JobEngine::Create(const JobEngineOptions& options, Store* store) {
  JobEngineDependencies dependencies;
  DBN_ASSIGN_OR_RETURN(dependencies.launcher, MakeProcessLauncher(options.worker_binary));
  dependencies.new_job_id = RandomJobId;
  return JobEngineImpl::Create(options, store, std::move(dependencies));
}

absl::StatusOr<std::unique_ptr<JobEngineImpl>> JobEngineImpl::Create(const JobEngineOptions& options, Store* store,
                                                                     JobEngineDependencies dependencies) {
  DBN_RETURN_IF_ERROR(CheckOptions(options));
  auto engine = absl::WrapUnique(new JobEngineImpl(options, store, std::move(dependencies)));
  DBN_RETURN_IF_ERROR(engine->Recover());
  return engine;
}

void JobEngineImpl::StartScheduling() {
  thread_ = std::thread([this] { Loop(); });
}

JobEngineImpl::JobEngineImpl(const JobEngineOptions& options, Store* store, JobEngineDependencies dependencies)
    : options_(options),
      layout_{options.data_dir},
      store_(store),
      clock_(dependencies.clock),
      launcher_(std::move(dependencies.launcher)),
      new_job_id_(std::move(dependencies.new_job_id)) {}

JobEngineImpl::~JobEngineImpl() {
  if (!thread_.joinable()) return;
  Drain(absl::InfinitePast());
  thread_.join();
}

absl::Status JobEngineImpl::Recover() {
  DBN_RETURN_IF_ERROR(MakeDataDirectories(layout_));
  DBN_ASSIGN_OR_RETURN(const std::vector<v1::Job> jobs,
                       store_->ListJobsInStates({v1::QUEUED, v1::RUNNING, v1::CANCELLING, v1::PAUSED}));
  std::set<std::string> unended;
  {
    MutexLock lock(&mutex_);
    for (const v1::Job& job : jobs) {
      LiveJob& live = live_[job.id()];
      live.job = job;
      live.order = ++accepted_;
      if (job.state() == v1::RUNNING) {
        DBN_RETURN_IF_ERROR(
            Transition(&live, v1::QUEUED, "the server stopped while it ran; it goes on from its last checkpoint"));
      }
      if (job.state() == v1::CANCELLING) {
        DBN_RETURN_IF_ERROR(Transition(&live, v1::CANCELLED, "cancelled on request; the server stopped meanwhile"));
        live_.erase(job.id());
        continue;
      }
      unended.insert(job.id());
    }
  }
  RemoveLeftoverUploads(layout_, unended);
  RemoveLeftoverOutputs();
  return absl::OkStatus();
}

void JobEngineImpl::RemoveLeftoverOutputs() {
  for (const std::string& output : ListOutputs(layout_)) {
    const absl::StatusOr<v1::Job> job = Get(std::filesystem::path(output).filename().string());
    if (!job.ok() || OutputDir(layout_, *job) != output) continue;
    const bool has_failed = job->state() == v1::FAILED || job->state() == v1::CANCELLED;
    if (has_failed && !MayHaveProduct(job->spec(), store_)) RemoveOutput(layout_, *job);
  }
}

absl::StatusOr<v1::Job> JobEngineImpl::Submit(const JobSubmission& submission) {
  DBN_ASSIGN_OR_RETURN(const std::optional<v1::Job> repeat, FindRepeat(submission));
  if (repeat) {
    if (!submission.validate_only) RemoveFile(submission.input_file);
    return WithProgress(*repeat);
  }
  v1::Job job = NewJob(submission, clock_->Now());
  if (submission.validate_only) {
    MutexLock lock(&mutex_);
    DBN_RETURN_IF_ERROR(CheckAcceptable(submission));
    return job;
  }
  job.set_id(new_job_id_());
  if (job.name().empty()) job.set_name(job.id());
  // The upload is in its place before the job is durable, so that a crash never leaves a job without its input.
  DBN_RETURN_IF_ERROR(AdoptUpload(layout_, job, submission.input_file));
  const absl::StatusOr<v1::Job> accepted = Accept(submission, job);
  if (accepted.ok()) return accepted;
  ReturnUpload(layout_, job, submission.input_file);
  if (!absl::IsAlreadyExists(accepted.status())) return accepted;
  // The same request may have come twice at once, and the other call was first.
  DBN_ASSIGN_OR_RETURN(const std::optional<v1::Job> first, FindRepeat(submission));
  if (!first) return accepted;
  RemoveFile(submission.input_file);
  return WithProgress(*first);
}

absl::StatusOr<v1::Job> JobEngineImpl::Accept(const JobSubmission& submission, v1::Job job) {
  MutexLock lock(&mutex_);
  DBN_RETURN_IF_ERROR(CheckAcceptable(submission));
  DBN_ASSIGN_OR_RETURN(v1::JobEvent event, TransitionState(&job, v1::QUEUED, "accepted", clock_->Now()));
  DBN_RETURN_IF_ERROR(store_->InsertJob(&job, {std::move(event)}));
  LiveJob& live = live_[job.id()];
  live.job = job;
  live.order = ++accepted_;
  changed_.SignalAll();
  return job;
}

absl::Status JobEngineImpl::CheckAcceptable(const JobSubmission& submission) {
  if (draining_) return Draining();
  DBN_RETURN_IF_ERROR(CheckAgainstStore(submission.spec, store_));
  int waiting = 0;
  for (const auto& [id, live] : live_) {
    DBN_RETURN_IF_ERROR(CheckAgainstJob(submission.spec, live.job));
    if (live.job.state() == v1::QUEUED) ++waiting;
  }
  return waiting < options_.max_queued ? absl::OkStatus() : QueueFull(waiting);
}

absl::StatusOr<std::optional<v1::Job>> JobEngineImpl::FindRepeat(const JobSubmission& submission) {
  if (submission.request_id.empty()) return std::optional<v1::Job>();
  DBN_ASSIGN_OR_RETURN(std::optional<v1::Job> job, store_->FindJobByRequestId(submission.request_id));
  if (job) DBN_RETURN_IF_ERROR(CheckRepeat(submission, *job));
  return job;
}

absl::StatusOr<v1::Job> JobEngineImpl::Get(const std::string& job) {
  absl::StatusOr<v1::Job> by_id = store_->GetJob(job);
  if (by_id.ok()) return WithProgress(*std::move(by_id));
  if (!absl::IsNotFound(by_id.status())) return by_id.status();
  DBN_ASSIGN_OR_RETURN(std::optional<v1::Job> by_name, store_->FindNewestJobByName(job));
  if (!by_name) return by_id.status();
  return WithProgress(*std::move(by_name));
}

absl::StatusOr<v1::ListJobsResponse> JobEngineImpl::List(const v1::ListJobsRequest& request) {
  DBN_ASSIGN_OR_RETURN(v1::ListJobsResponse response, store_->ListJobs(request));
  for (v1::Job& job : *response.mutable_jobs()) job = WithProgress(std::move(job));
  return response;
}

v1::Job JobEngineImpl::WithProgress(v1::Job job) {
  MutexLock lock(&mutex_);
  const LiveJob* live = Find(job.id());
  // The state stays as it was read: a listing by state must not show another one.
  if (live != nullptr && live->run != nullptr && !HasEnded(job.state())) *job.mutable_progress() = live->progress;
  return job;
}

absl::StatusOr<v1::Job> JobEngineImpl::Cancel(const std::string& job) {
  DBN_ASSIGN_OR_RETURN(const v1::Job found, Get(job));
  v1::Job waiting;
  {
    MutexLock lock(&mutex_);
    const absl::Time deadline = clock_->Now() + kSettleWait;
    LiveJob* live = Find(found.id());
    for (; live != nullptr && live->closing; live = Find(found.id())) {
      if (clock_->Now() >= deadline) return absl::UnavailableError(absl::StrCat("job ", found.id(), " is just ending"));
      clock_->WaitUntil(&changed_, &mutex_, deadline);
    }
    if (live == nullptr) {
      DBN_ASSIGN_OR_RETURN(v1::Job ended, store_->GetJob(found.id()));
      return TransitionState(&ended, v1::CANCELLED, "", clock_->Now()).status();
    }
    const bool has_begun = live->job.state() == v1::RUNNING || live->job.state() == v1::CANCELLING;
    if (has_begun && live->run == nullptr) return Draining();
    if (live->job.state() == v1::CANCELLING) return live->job;
    if (live->job.state() == v1::RUNNING) {
      DBN_RETURN_IF_ERROR(Transition(live, v1::CANCELLING, "cancellation was requested"));
      live->run->stop_wanted = true;
      changed_.SignalAll();
    } else {
      live->closing = true;
    }
    waiting = live->job;
  }
  if (waiting.state() != v1::CANCELLING) return CancelWaiting(waiting);
  listeners_.Notify(waiting.id());
  return waiting;
}

absl::StatusOr<v1::Job> JobEngineImpl::CancelWaiting(v1::Job job) {
  {
    MutexLock lock(&mutex_);
    LiveJob* live = Find(job.id());
    if (const absl::Status changed = Transition(live, v1::CANCELLED, "cancelled on request"); !changed.ok()) {
      live->closing = false;
      changed_.SignalAll();
      return changed;
    }
    job = live->job;
  }
  // Only now: a job that is still in the queue after a crash needs its files. Its name is free when they are gone.
  RemoveOutput(layout_, job);
  RemoveUpload(layout_, job);
  {
    MutexLock lock(&mutex_);
    live_.erase(job.id());
    changed_.SignalAll();
  }
  listeners_.Notify(job.id());
  return job;
}

absl::StatusOr<std::vector<v1::JobEvent>> JobEngineImpl::ReadEvents(const std::string& id, uint64_t from_sequence,
                                                                    int limit) {
  return store_->ReadEvents(id, from_sequence, limit);
}

std::shared_ptr<void> JobEngineImpl::Subscribe(const std::string& id, JobListener listener) {
  return listeners_.Add(id, std::move(listener));
}

JobEngine::Counts JobEngineImpl::counts() {
  MutexLock lock(&mutex_);
  Counts counts;
  for (const auto& [id, live] : live_) {
    if (live.job.state() == v1::QUEUED) ++counts.queued;
    if (live.job.state() == v1::RUNNING || live.job.state() == v1::CANCELLING) ++counts.running;
  }
  return counts;
}

void JobEngineImpl::Drain(absl::Time deadline) {
  MutexLock lock(&mutex_);
  draining_ = true;
  drain_deadline_ = std::min(drain_deadline_, deadline);
  for (auto& [id, live] : live_) {
    if (live.run == nullptr) continue;
    live.run->stop_wanted = true;
    live.run->report.draining = true;
  }
  changed_.SignalAll();
  while (CountRuns() > 0) changed_.Wait(&mutex_);
}

JobEngineImpl::LiveJob* JobEngineImpl::Find(const std::string& id) {
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : &found->second;
}

absl::Status JobEngineImpl::Transition(LiveJob* live, v1::JobState to, absl::string_view why) {
  v1::Job changed = live->job;
  DBN_ASSIGN_OR_RETURN(v1::JobEvent event, TransitionState(&changed, to, why, clock_->Now()));
  std::vector<v1::JobEvent> events = live->unsaved;
  events.push_back(std::move(event));
  DBN_RETURN_IF_ERROR(store_->UpdateJob(&changed, std::move(events)));
  live->job = std::move(changed);
  live->unsaved.clear();
  return absl::OkStatus();
}

}  // namespace deepbindnet
