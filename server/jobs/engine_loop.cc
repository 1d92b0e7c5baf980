// The engine thread: which worker to start, stop or settle next.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/jobs/artifacts.h"
#include "server/jobs/job_engine_impl.h"
#include "server/jobs/worker_task.h"
#include "spdlog/spdlog.h"

namespace deepbindnet {
namespace {

constexpr int kJournalPage = 1000;  // Events read at once.

// Numbers that went through a file; told again they are as good as equal.
bool Differ(double a, double b) { return !(std::abs(a - b) <= 1e-6 * std::max({1.0, std::abs(a), std::abs(b)})); }

bool CameOutDifferent(const v1::EpochMetrics& a, const v1::EpochMetrics& b) {
  return Differ(a.train_loss(), b.train_loss()) || Differ(a.val().rmse(), b.val().rmse());
}

std::map<uint32_t, v1::EpochMetrics> ReadEpochs(Store* store, const std::string& id) {
  std::map<uint32_t, v1::EpochMetrics> epochs;
  uint64_t next = 1;
  while (true) {
    const auto page = store->ReadEvents(id, next, kJournalPage);
    if (!page.ok() || page->empty()) return epochs;
    next = page->back().sequence() + 1;
    for (const v1::JobEvent& event : *page) {
      if (event.has_epoch()) epochs[event.epoch().epoch()] = event.epoch();
    }
  }
}

}  // namespace

void JobEngineImpl::Loop() {
  while (true) {
    const Action action = NextAction();
    switch (action.kind) {
      case Action::Kind::kStart:
        Start(action.id);
        break;
      case Action::Kind::kTerminate:
        action.run->handle->Terminate();
        break;
      case Action::Kind::kKill:
        action.run->handle->Kill();
        break;
      case Action::Kind::kSettle:
        Settle(action.id);
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
    if (CountRuns() == 0) return Action{Action::Kind::kQuit, "", nullptr};
    return std::nullopt;
  }
  if (CountRuns() >= options_.slots) return std::nullopt;
  const LiveJob* next = BestQueued();
  if (next == nullptr) return std::nullopt;
  return Action{Action::Kind::kStart, next->job.id(), nullptr};
}

std::optional<JobEngineImpl::Action> JobEngineImpl::FindRunAction(const std::string& id, LiveJob* live) {
  Run* const run = live->run.get();
  if (run->ended) return Action{Action::Kind::kSettle, id, live->run};
  if (!run->stop_wanted) return std::nullopt;
  if (!run->stop_sent) {
    run->stop_sent = true;
    run->kill_at = clock_->Now() + options_.stop_grace;
    return Action{Action::Kind::kTerminate, id, live->run};
  }
  if (!run->kill_sent && clock_->Now() >= std::min(run->kill_at, drain_deadline_)) {
    run->kill_sent = true;
    spdlog::warn("job {}: its worker did not stop in time and is killed", id);
    return Action{Action::Kind::kKill, id, live->run};
  }
  return std::nullopt;
}

absl::Time JobEngineImpl::NextDeadline() {
  absl::Time deadline = absl::InfiniteFuture();
  const absl::Time now = clock_->Now();
  for (const auto& [id, live] : live_) {
    if (live.job.state() == v1::QUEUED && live.not_before > now) deadline = std::min(deadline, live.not_before);
    if (live.run == nullptr || !live.run->stop_sent || live.run->kill_sent) continue;
    deadline = std::min({deadline, live.run->kill_at, drain_deadline_});
  }
  return deadline;
}

JobEngineImpl::LiveJob* JobEngineImpl::BestQueued() {
  LiveJob* best = nullptr;
  const absl::Time now = clock_->Now();
  for (auto& [id, live] : live_) {
    if (live.job.state() != v1::QUEUED || live.closing || live.not_before > now) continue;
    if (best == nullptr || live.job.priority() > best->job.priority() ||
        (live.job.priority() == best->job.priority() && live.order < best->order)) {
      best = &live;
    }
  }
  return best;
}

int JobEngineImpl::CountRuns() {
  return static_cast<int>(
      std::count_if(live_.begin(), live_.end(), [](const auto& entry) { return entry.second.run != nullptr; }));
}

void JobEngineImpl::Start(const std::string& id) {
  v1::WorkerTask task;
  std::shared_ptr<Run> run;
  v1::Job job;
  {
    MutexLock lock(&mutex_);
    const LiveJob* live = Find(id);
    // A cancellation or a drain may have come since the action was chosen.
    if (draining_ || live == nullptr || live->closing || live->job.state() != v1::QUEUED) return;
    job = live->job;
  }
  task = MakeWorkerTask(layout_, job, /*resume=*/job.has_start_time());
  // Whatever a crash may have left there is not this job's. Before the job has a start time: after that it is.
  if (!task.resume()) RemoveOutput(layout_, job);
  {
    MutexLock lock(&mutex_);
    LiveJob* live = Find(id);
    if (draining_ || live == nullptr || live->closing || live->job.state() != v1::QUEUED) return;
    if (const absl::Status begun = Transition(live, v1::RUNNING, "a worker has it"); !begun.ok()) {
      spdlog::error("job {}: cannot start: {}", id, std::string(begun.message()));
      WaitBeforeRetry();
      return;
    }
    live->progress.Clear();
    live->run = std::make_shared<Run>();
    run = live->run;
  }
  listeners_.Notify(id);
  WorkerCallbacks callbacks;
  callbacks.on_event = [this, id](v1::WorkerEvent event) { OnWorkerEvent(id, std::move(event)); };
  callbacks.on_exit = [this, id](WorkerExit exit) { OnWorkerExit(id, std::move(exit)); };
  auto handle = launcher_->Launch(task, layout_.JobDir(id), std::move(callbacks));
  if (handle.ok()) {
    run->handle = *std::move(handle);
    MutexLock lock(&mutex_);
    Find(id)->failed_starts = 0;
  } else {
    OnWorkerExit(id, {WorkerExit::How::kNotStarted, 0, std::string(handle.status().message())});
  }
}

void JobEngineImpl::OnWorkerEvent(const std::string& id, v1::WorkerEvent event) {
  bool news = false;
  {
    MutexLock lock(&mutex_);
    news = TakeWorkerEvent(Find(id), std::move(event));
  }
  if (news) listeners_.Notify(id);
}

bool JobEngineImpl::TakeWorkerEvent(LiveJob* live, v1::WorkerEvent event) {
  v1::JobEvent entry;
  *entry.mutable_time() = ToTimestamp(clock_->Now());
  switch (event.event_case()) {
    case v1::WorkerEvent::kProgress:
      live->progress = event.progress();
      return true;
    case v1::WorkerEvent::kEpoch:
      if (event.epoch().epoch() <= live->job.latest_epoch().epoch()) return TakeEpochAgain(live, event.epoch());
      *live->job.mutable_latest_epoch() = event.epoch();
      if (event.epoch().is_best() || !live->job.has_best_epoch()) *live->job.mutable_best_epoch() = event.epoch();
      *entry.mutable_epoch() = std::move(*event.mutable_epoch());
      break;
    case v1::WorkerEvent::kLog:
      *entry.mutable_log() = std::move(*event.mutable_log());
      break;
    case v1::WorkerEvent::kError:
      live->run->report.error = event.error();
      return false;
    case v1::WorkerEvent::kResult:
      live->run->report.result = event.result();
      return false;
    case v1::WorkerEvent::EVENT_NOT_SET:
      return false;
  }
  live->unsaved.push_back(std::move(entry));
  Save(live);
  return live->unsaved.empty();
}

// After a resume a worker tells the finished epochs again, and they are dropped. Where its checkpoint was lost, though,
// it trains them again, and what the journal says is not what the model will be.
bool JobEngineImpl::TakeEpochAgain(LiveJob* live, const v1::EpochMetrics& epoch) {
  Run* const run = live->run.get();
  if (run->told_otherwise) return false;
  if (run->before.empty()) run->before = ReadEpochs(store_, live->job.id());
  const auto before = run->before.find(epoch.epoch());
  if (before == run->before.end() || !CameOutDifferent(before->second, epoch)) return false;
  run->told_otherwise = true;
  v1::JobEvent entry;
  *entry.mutable_time() = ToTimestamp(clock_->Now());
  entry.mutable_log()->set_level(v1::LogLine::WARNING);
  entry.mutable_log()->set_text(absl::StrCat(
      "epoch ", epoch.epoch(), " was trained again, because its checkpoint was lost, and came out different: ",
      "validation RMSE ", epoch.val().rmse(), " and not ", before->second.val().rmse(), "; up to epoch ",
      live->job.latest_epoch().epoch(), " the journal keeps the first figures"));
  live->unsaved.push_back(std::move(entry));
  Save(live);
  return live->unsaved.empty();
}

void JobEngineImpl::OnWorkerExit(const std::string& id, WorkerExit exit) {
  MutexLock lock(&mutex_);
  LiveJob* live = Find(id);
  live->run->report.exit = std::move(exit);
  live->run->ended = true;
  changed_.SignalAll();
}

}  // namespace deepbindnet
