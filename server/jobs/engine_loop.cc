// The engine thread: which worker to start, stop or settle next.
#include <algorithm>
#include <utility>

#include "server/jobs/artifacts.h"
#include "server/jobs/job_engine_impl.h"
#include "server/jobs/worker_task.h"
#include "server/logging/logging.h"

namespace deepbindnet {

void JobEngineImpl::Loop() {
  while (true) {
    const Action action = NextAction();
    switch (action.kind) {
      case Action::Kind::kStart:
        Start(action.id, action.slots);
        break;
      case Action::Kind::kTerminate:
        action.run->handle->Terminate();
        break;
      case Action::Kind::kKill:
        Log(LogLevel::kWarning, "a worker did not stop in time and is killed", {{"job_id", action.id}});
        action.run->handle->Kill();
        break;
      case Action::Kind::kSettle:
        Settle(action.id, action.run.get());
        break;
      case Action::Kind::kCheckDisk:
        CheckDisk();
        break;
      case Action::Kind::kQuit:
        return;
    }
  }
}

JobEngineImpl::Action JobEngineImpl::NextAction() {
  MutexLock lock(&mutex_);
  while (true) {
    if (std::optional<Action> action = FindAction()) return *std::move(action);
    clock_->WaitUntil(&changed_, &mutex_, NextDeadline());
  }
}

std::optional<JobEngineImpl::Action> JobEngineImpl::FindAction() {
  for (auto& [id, live] : live_) {
    if (live.run == nullptr) continue;
    if (std::optional<Action> action = FindRunAction(id, &live)) return action;
  }
  if (draining_) {
    if (CountRuns() == 0) return Action{Action::Kind::kQuit, "", nullptr, {}};
    return std::nullopt;
  }
  if (clock_->Now() >= next_disk_check_ && WatchesDisk()) return Action{Action::Kind::kCheckDisk, "", nullptr, {}};
  return disk_is_full_ ? std::nullopt : FindStart();
}

std::optional<JobEngineImpl::Action> JobEngineImpl::FindStart() {
  std::map<std::string, int> running;  // By submitter.
  for (const auto& [id, live] : live_) {
    if (live.run != nullptr && !live.run->ended) ++running[live.job.submitter()];
  }
  std::set<std::string> taken;
  for (const auto& [slot, id] : TakenSlots()) taken.insert(slot);
  for (const DeviceSlots::Pool pool : {DeviceSlots::Pool::kCpu, DeviceSlots::Pool::kGpu}) {
    // Where its slots are not free yet, those behind it wait, too: else one that needs many would wait for ever.
    const LiveJob* const next = BestQueued(pool, running);
    if (next == nullptr) continue;
    std::optional<std::vector<std::string>> slots = slots_.Choose(next->job.spec(), taken);
    if (slots) return Action{Action::Kind::kStart, next->job.id(), nullptr, *std::move(slots)};
  }
  return std::nullopt;
}

std::optional<JobEngineImpl::Action> JobEngineImpl::FindRunAction(const std::string& id, LiveJob* live) {
  Run* const run = live->run.get();
  const absl::Time now = clock_->Now();
  if (run->ended) {
    if (now < std::min(run->settle_at, drain_deadline_)) return std::nullopt;
    return Action{Action::Kind::kSettle, id, live->run, {}};
  }
  if (!run->stop_wanted) return std::nullopt;
  if (!run->stop_sent) {
    run->stop_sent = true;
    run->kill_at = now + options_.stop_grace;
    return Action{Action::Kind::kTerminate, id, live->run, {}};
  }
  if (!run->kill_sent && now >= std::min(run->kill_at, drain_deadline_)) {
    run->kill_sent = true;
    return Action{Action::Kind::kKill, id, live->run, {}};
  }
  return std::nullopt;
}

absl::Time JobEngineImpl::NextDeadline() {
  absl::Time deadline = !draining_ && WatchesDisk() ? next_disk_check_ : absl::InfiniteFuture();
  const absl::Time now = clock_->Now();
  for (const auto& [id, live] : live_) {
    if (live.job.state() == v1::QUEUED && live.not_before > now) deadline = std::min(deadline, live.not_before);
    if (live.run == nullptr) continue;
    const Run& run = *live.run;
    if (run.ended) {
      deadline = std::min({deadline, run.settle_at, drain_deadline_});
    } else if (run.stop_sent && !run.kill_sent) {
      deadline = std::min({deadline, run.kill_at, drain_deadline_});
    }
  }
  return deadline;
}

JobEngineImpl::LiveJob* JobEngineImpl::BestQueued(DeviceSlots::Pool pool, const std::map<std::string, int>& running) {
  LiveJob* best = nullptr;
  const absl::Time now = clock_->Now();
  for (auto& [id, live] : live_) {
    if (live.job.state() != v1::QUEUED || live.closing || live.not_before > now) continue;
    if (slots_.PoolOf(live.job.spec()) != pool || !slots_.CheckFits(live.job.spec()).ok()) continue;
    const auto of_submitter = running.find(live.job.submitter());
    const bool has_enough = options_.max_running_per_user > 0 && of_submitter != running.end() &&
                            of_submitter->second >= options_.max_running_per_user;
    if (!has_enough && (best == nullptr || live.GoesBefore(*best))) best = &live;
  }
  return best;
}

int JobEngineImpl::CountRuns() {
  return static_cast<int>(
      std::count_if(live_.begin(), live_.end(), [](const auto& entry) { return entry.second.run != nullptr; }));
}

std::map<std::string, std::string> JobEngineImpl::TakenSlots() {
  std::map<std::string, std::string> taken;
  for (const auto& [id, live] : live_) {
    // A run whose worker has ended needs no slot, however long the recording takes.
    if (live.run == nullptr || live.run->ended) continue;
    for (const std::string& slot : live.run->slots) taken[slot] = id;
  }
  return taken;
}

JobEngineImpl::LiveJob* JobEngineImpl::FindStartable(const std::string& id) {
  LiveJob* const live = Find(id);
  const bool startable = !draining_ && live != nullptr && !live->closing && live->job.state() == v1::QUEUED;
  return startable ? live : nullptr;
}

void JobEngineImpl::Start(const std::string& id, const std::vector<std::string>& slots) {
  v1::Job job;
  {
    MutexLock lock(&mutex_);
    const LiveJob* const live = FindStartable(id);
    if (live == nullptr) return;
    job = live->job;
  }
  const v1::WorkerTask task = MakeWorkerTask(layout_, job, /*resume=*/job.has_start_time());
  // Whatever a crash may have left there is not this job's. Before the job has a start time: after that it is.
  if (!task.resume()) RemoveOutput(layout_, job);
  std::shared_ptr<Run> run;
  absl::Status begun;
  {
    MutexLock lock(&mutex_);
    LiveJob* const live = FindStartable(id);
    if (live == nullptr) return;
    begun = Transition(live, v1::RUNNING, "a worker has it");
    if (begun.ok()) {
      live->progress.Clear();
      live->run = run = std::make_shared<Run>(slots);
    } else {
      live->not_before = clock_->Now() + kRetryAfter;
    }
  }
  if (!begun.ok()) {
    Log(LogLevel::kError, "cannot start a job", {{"job_id", id}, {"error", std::string(begun.message())}});
    return;
  }
  listeners_.Notify(id);
  LaunchWorker(id, task, run.get());
}

void JobEngineImpl::LaunchWorker(const std::string& id, const v1::WorkerTask& task, Run* run) {
  WorkerCallbacks callbacks;
  callbacks.on_event = [this, id](v1::WorkerEvent event) { OnWorkerEvent(id, std::move(event)); };
  callbacks.on_exit = [this, id](WorkerExit exit) { OnWorkerExit(id, std::move(exit)); };
  auto handle = launcher_->Launch(task, layout_.JobDir(id), slots_.EnvironmentOf(run->slots), std::move(callbacks));
  if (handle.ok()) {
    run->handle = *std::move(handle);
    MutexLock lock(&mutex_);
    Find(id)->failed_starts = 0;
  } else {
    OnWorkerExit(id, {WorkerExit::How::kNotStarted, 0, std::string(handle.status().message())});
  }
}

void JobEngineImpl::OnWorkerEvent(const std::string& id, v1::WorkerEvent event) {
  const bool has_moved = event.has_progress();
  bool has_unsaved = false;
  absl::Status saved;
  {
    MutexLock lock(&mutex_);
    LiveJob* const live = Find(id);
    TakeWorkerEvent(live, std::move(event));
    // With what the store could not take before.
    has_unsaved = !live->unsaved.empty();
    if (has_unsaved) saved = store_->UpdateJob(&live->job, live->unsaved);
    if (saved.ok()) live->unsaved.clear();
  }
  if (!saved.ok()) {
    Log(LogLevel::kError, "cannot write a job's journal", {{"job_id", id}, {"error", std::string(saved.message())}});
  }
  if (has_moved || (has_unsaved && saved.ok())) listeners_.Notify(id);
}

void JobEngineImpl::TakeWorkerEvent(LiveJob* live, v1::WorkerEvent event) {
  v1::JobEvent entry;
  *entry.mutable_time() = ToTimestamp(clock_->Now());
  switch (event.event_case()) {
    case v1::WorkerEvent::kProgress:
      live->progress = event.progress();
      return;
    case v1::WorkerEvent::kEpoch:
      // After a resume a worker tells the finished epochs again.
      if (event.epoch().epoch() <= live->job.latest_epoch().epoch()) return;
      live->disk_pauses = 0;
      *live->job.mutable_latest_epoch() = event.epoch();
      if (event.epoch().is_best() || !live->job.has_best_epoch()) *live->job.mutable_best_epoch() = event.epoch();
      *entry.mutable_epoch() = std::move(*event.mutable_epoch());
      break;
    case v1::WorkerEvent::kLog:
      *entry.mutable_log() = std::move(*event.mutable_log());
      break;
    case v1::WorkerEvent::kError:
      live->run->report.error = event.error();
      return;
    case v1::WorkerEvent::kResult:
      live->run->report.result = event.result();
      return;
    case v1::WorkerEvent::EVENT_NOT_SET:
      return;
  }
  live->unsaved.push_back(std::move(entry));
}

void JobEngineImpl::OnWorkerExit(const std::string& id, WorkerExit exit) {
  MutexLock lock(&mutex_);
  LiveJob* live = Find(id);
  live->run->report.exit = std::move(exit);
  live->run->ended = true;
  changed_.SignalAll();
}

}  // namespace deepbindnet
