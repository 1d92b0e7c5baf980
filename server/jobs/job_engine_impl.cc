#include "server/jobs/job_engine_impl.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "server/jobs/artifacts.h"
#include "server/jobs/deletion.h"
#include "server/jobs/job_files.h"
#include "server/jobs/job_id.h"
#include "server/jobs/submission.h"
#include "server/jobs/worker_process.h"
#include "server/jobs/worker_task.h"
#include "server/logging/logging.h"
#include "server/store/job_kind.h"

namespace deepbindnet {
namespace {

absl::Status CheckOptions(const JobEngineOptions& options) {
  if (options.slots < 1 || options.slots > 64) {
    return InvalidField("slots", absl::StrCat(options.slots), "is not in 1..64; give the jobs to run side by side");
  }
  if (options.max_queued < 1) {
    return InvalidField("max_queued", absl::StrCat(options.max_queued), "is not positive; give the jobs that may wait");
  }
  if (options.cpu_threads < 1) {
    return InvalidField("cpu_threads", absl::StrCat(options.cpu_threads), "is not positive; give the threads of jobs");
  }
  if (options.max_jobs_per_user < 0 || options.max_running_per_user < 0) {
    return InvalidField("max_jobs_per_user", absl::StrCat(options.max_jobs_per_user),
                        "or max_running_per_user is negative; give 0 or more");
  }
  if (options.stop_grace < absl::ZeroDuration()) {
    return InvalidField("stop_grace", absl::FormatDuration(options.stop_grace), "is negative; give 0 or more");
  }
  return absl::OkStatus();
}

absl::Status QueueFull(int waiting) {
  return WithReason(absl::ResourceExhaustedError(
                        absl::StrCat("the queue is full: ", waiting, " jobs wait; try again when some have ended")),
                    "QUEUE_FULL");
}

absl::Status TooManyJobs(const std::string& submitter, int jobs) {
  return WithReason(absl::ResourceExhaustedError(
                        absl::StrCat(submitter.empty() ? "the limit is reached with" : absl::StrCat(submitter, " has"),
                                     " ", jobs, jobs == 1 ? " job that has" : " jobs that have",
                                     " not ended, which is the limit; try again when one has, or cancel one")),
                    "TOO_MANY_JOBS", {{"submitter", submitter}});
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
  dependencies.free_bytes = [data_dir = options.data_dir] { return FreeBytes(data_dir); };
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
      new_job_id_(std::move(dependencies.new_job_id)),
      free_bytes_(std::move(dependencies.free_bytes)),
      slots_(options.slots, options.cpu_threads, options.gpus) {}

JobEngineImpl::~JobEngineImpl() {
  if (!thread_.joinable()) return;
  Drain(absl::InfinitePast());
  thread_.join();
}

absl::Status JobEngineImpl::Recover() {
  DBN_RETURN_IF_ERROR(MakeDataDirectories(layout_));
  DBN_RETURN_IF_ERROR(FinishDeletions(layout_, store_));
  DBN_ASSIGN_OR_RETURN(const std::vector<v1::Job> jobs,
                       store_->ListJobsInStates({v1::QUEUED, v1::RUNNING, v1::PAUSING, v1::CANCELLING, v1::PAUSED}));
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
      if (job.state() == v1::PAUSING) {
        DBN_RETURN_IF_ERROR(Transition(&live, v1::PAUSED, "the server stopped while it was being paused"));
      }
      if (job.state() == v1::CANCELLING) {
        DBN_RETURN_IF_ERROR(Transition(&live, v1::CANCELLED, "cancelled on request; the server stopped meanwhile"));
        live_.erase(job.id());
        continue;
      }
      if (const absl::Status fits = slots_.CheckFits(job.spec()); !fits.ok()) {
        Log(LogLevel::kWarning, "a job waits for slots that this server does not have",
            {{"job_id", job.id()}, {"why", std::string(fits.message())}});
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
    return WithLive(*repeat);
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
  return WithLive(*first);
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
  if (draining_) return ShuttingDown();
  DBN_RETURN_IF_ERROR(CheckAgainstStore(submission.spec, store_));
  DBN_RETURN_IF_ERROR(slots_.CheckFits(submission.spec));
  int of_submitter = 0;
  for (const auto& [id, live] : live_) {
    DBN_RETURN_IF_ERROR(CheckAgainstJob(submission.spec, live.job));
    if (live.job.submitter() == submission.submitter) ++of_submitter;
  }
  if (options_.max_jobs_per_user > 0 && of_submitter >= options_.max_jobs_per_user) {
    return TooManyJobs(submission.submitter, of_submitter);
  }
  return CheckQueueHasRoom();
}

absl::Status JobEngineImpl::CheckQueueHasRoom() {
  const auto waiting = std::count_if(live_.begin(), live_.end(),
                                     [](const auto& entry) { return entry.second.job.state() == v1::QUEUED; });
  return waiting < options_.max_queued ? absl::OkStatus() : QueueFull(static_cast<int>(waiting));
}

absl::StatusOr<std::optional<v1::Job>> JobEngineImpl::FindRepeat(const JobSubmission& submission) {
  if (submission.request_id.empty()) return std::optional<v1::Job>();
  DBN_ASSIGN_OR_RETURN(std::optional<v1::Job> job, store_->FindJobByRequestId(submission.request_id));
  if (job) DBN_RETURN_IF_ERROR(CheckRepeat(submission, *job));
  return job;
}

absl::StatusOr<v1::Job> JobEngineImpl::Get(const std::string& job) {
  absl::StatusOr<v1::Job> by_id = store_->GetJob(job);
  if (by_id.ok()) return WithLive(*std::move(by_id));
  if (!absl::IsNotFound(by_id.status())) return by_id.status();
  DBN_ASSIGN_OR_RETURN(std::optional<v1::Job> by_name, store_->FindNewestJobByName(job));
  if (!by_name) return by_id.status();
  return WithLive(*std::move(by_name));
}

absl::StatusOr<v1::ListJobsResponse> JobEngineImpl::List(const v1::ListJobsRequest& request) {
  DBN_ASSIGN_OR_RETURN(v1::ListJobsResponse response, store_->ListJobs(request));
  MutexLock lock(&mutex_);
  const std::map<std::string, int> positions = QueuePositions();
  for (v1::Job& job : *response.mutable_jobs()) AddLive(positions, &job);
  return response;
}

v1::Job JobEngineImpl::WithLive(v1::Job job) {
  if (HasEnded(job.state())) return job;
  MutexLock lock(&mutex_);
  AddLive(job.state() == v1::QUEUED ? QueuePositions() : std::map<std::string, int>(), &job);
  return job;
}

void JobEngineImpl::AddLive(const std::map<std::string, int>& positions, v1::Job* job) {
  const LiveJob* const live = Find(job->id());
  // The state stays as it was read: a listing by state must not show another one.
  if (live == nullptr || HasEnded(job->state())) return;
  if (live->run != nullptr) *job->mutable_progress() = live->progress;
  if (live->run != nullptr && !live->run->ended) {
    *job->mutable_devices() = {live->run->slots.begin(), live->run->slots.end()};
  }
  if (disk_is_full_ && job->state() == v1::QUEUED) *job->mutable_pause() = disk_trouble_;
  if (!live->trouble.reason().empty()) *job->mutable_pause() = live->trouble;
  const auto position = positions.find(job->id());
  if (position != positions.end() && job->state() == v1::QUEUED) {
    job->set_queue_position(static_cast<uint32_t>(position->second));
  }
}

std::map<std::string, int> JobEngineImpl::QueuePositions() {
  std::map<DeviceSlots::Pool, std::vector<const LiveJob*>> queues;
  for (const auto& [id, live] : live_) {
    if (live.job.state() == v1::QUEUED) queues[slots_.PoolOf(live.job.spec())].push_back(&live);
  }
  std::map<std::string, int> positions;
  for (auto& [pool, queue] : queues) {
    std::sort(queue.begin(), queue.end(), [](const LiveJob* a, const LiveJob* b) { return a->GoesBefore(*b); });
    for (size_t i = 0; i < queue.size(); ++i) positions[queue[i]->job.id()] = static_cast<int>(i) + 1;
  }
  return positions;
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
    if (HasWorker(live.job.state())) ++counts.running;
    if (live.job.state() == v1::PAUSED) ++counts.paused;
  }
  return counts;
}

std::vector<v1::DeviceSlot> JobEngineImpl::slots() {
  std::vector<v1::DeviceSlot> slots;
  MutexLock lock(&mutex_);
  std::map<std::string, std::string> taken = TakenSlots();
  for (std::string& name : slots_.Names()) {
    v1::DeviceSlot& slot = slots.emplace_back();
    slot.set_job(taken[name]);
    slot.set_name(std::move(name));
  }
  return slots;
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

absl::Status JobEngineImpl::Transition(LiveJob* live, v1::JobState to, absl::string_view why,
                                       const v1::JobError* pause) {
  v1::Job changed = live->job;
  if (pause != nullptr) *changed.mutable_pause() = *pause;
  DBN_ASSIGN_OR_RETURN(v1::JobEvent event, TransitionState(&changed, to, why, clock_->Now()));
  std::vector<v1::JobEvent> events = live->unsaved;
  events.push_back(std::move(event));
  DBN_RETURN_IF_ERROR(store_->UpdateJob(&changed, std::move(events)));
  live->job = std::move(changed);
  live->unsaved.clear();
  return absl::OkStatus();
}

}  // namespace deepbindnet
