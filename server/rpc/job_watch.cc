#include "server/rpc/job_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/exceptions.h"
#include "server/jobs/clock.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

constexpr int kPageSize = 256;  // Events read at once.

}  // namespace

void WatchSet::Add(const std::shared_ptr<JobWatch>& watch) {
  bool ending = false;
  {
    MutexLock lock(&mutex_);
    watches_.insert(watch);
    ending = ending_;
  }
  if (ending) watch->End();
}

void WatchSet::Remove(const std::shared_ptr<JobWatch>& watch) {
  MutexLock lock(&mutex_);
  watches_.erase(watch);
}

void WatchSet::EndAll() {
  std::set<std::shared_ptr<JobWatch>> watches;
  {
    MutexLock lock(&mutex_);
    ending_ = true;
    watches = watches_;
  }
  for (const auto& watch : watches) watch->End();
}

JobWatch* JobWatch::Start(JobEngine* engine, Executor* executor, WatchSet* watches, std::shared_ptr<void> held,
                          const v1::WatchJobRequest& request) {
  std::shared_ptr<JobWatch> watch(new JobWatch(engine, executor, watches, std::move(held), request));
  watch->self_ = watch;
  const absl::Status scheduled = CatchAll([&] {
    watches->Add(watch);
    return executor->Schedule([watch] { watch->Open(); });
  });
  if (!scheduled.ok()) watch->FinishWith(scheduled);
  return watch.get();
}

JobWatch::JobWatch(JobEngine* engine, Executor* executor, WatchSet* watches, std::shared_ptr<void> held,
                   const v1::WatchJobRequest& request)
    : engine_(engine),
      executor_(executor),
      watches_(watches),
      held_(std::move(held)),
      job_(request.job()),
      next_(std::max<uint64_t>(1, request.from_sequence())) {}

void JobWatch::End() { Wake(&JobWatch::is_ending_); }

void JobWatch::OnCancel() { Wake(&JobWatch::is_cancelled_); }

void JobWatch::Wake(bool JobWatch::*flag) {
  {
    MutexLock lock(&mutex_);
    this->*flag = true;
    if (is_busy_ || is_finished_) return;
    is_busy_ = true;
  }
  ScheduleAdvance();
}

void JobWatch::ScheduleAdvance() {
  const absl::Status scheduled = CatchAll([this] {
    executor_->ScheduleStep([watch = shared_from_this()] { watch->Advance(); });
    return absl::OkStatus();
  });
  if (!scheduled.ok()) FinishWith(scheduled);
}

void JobWatch::Open() {
  const absl::Status opened = CatchAll([this]() -> absl::Status {
    DBN_RETURN_IF_ERROR(ValidateJobReference(job_));
    DBN_ASSIGN_OR_RETURN(const v1::Job job, engine_->Get(job_));
    id_ = job.id();
    // Before the first look at the journal: what comes after that look is news.
    auto subscription = engine_->Subscribe(id_, [weak = weak_from_this()] {
      if (const auto watch = weak.lock()) watch->Wake(&JobWatch::has_news_);
    });
    MutexLock lock(&mutex_);
    subscription_ = std::move(subscription);
    return absl::OkStatus();
  });
  if (!opened.ok()) return FinishWith(opened);
  Advance();
}

void JobWatch::Advance() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      has_news_ = false;
    }
    const absl::StatusOr<Step> step = CatchAll([this] { return Fill(); });
    if (!step.ok()) return FinishWith(step.status());
    if (*step == Step::kFinished) return FinishWith(absl::OkStatus());
    if (*step == Step::kWrite) return StartWrite(&to_send_.front());
    if (*step == Step::kRetry) continue;
    if (const absl::Status interruption = Interruption(); !interruption.ok()) return FinishWith(interruption);
    if (BecomeIdle()) return;
  }
}

absl::StatusOr<JobWatch::Step> JobWatch::Fill() {
  {
    MutexLock lock(&mutex_);
    if (is_cancelled_) return absl::CancelledError("the caller has gone");
  }
  DBN_ASSIGN_OR_RETURN(std::vector<v1::JobEvent> events, engine_->ReadEvents(id_, next_, kPageSize));
  if (events.empty()) return CheckEnd();
  next_ = events.back().sequence() + 1;
  for (v1::JobEvent& event : events) to_send_.push_back(std::move(event));
  return Step::kWrite;
}

// The journal had nothing more a moment ago.
absl::StatusOr<JobWatch::Step> JobWatch::CheckEnd() {
  DBN_ASSIGN_OR_RETURN(const v1::Job job, engine_->Get(id_));
  if (job.last_sequence() >= next_) return Step::kRetry;
  if (HasEnded(job.state())) return Step::kFinished;
  AddProgress(job);
  return to_send_.empty() ? Step::kWait : Step::kWrite;
}

void JobWatch::AddProgress(const v1::Job& job) {
  if (!job.has_progress()) return;
  std::string progress = job.progress().SerializeAsString();
  if (progress == last_progress_) return;
  last_progress_ = std::move(progress);
  v1::JobEvent event;
  event.set_job_id(id_);
  event.set_sequence(std::min(next_ - 1, job.last_sequence()));
  *event.mutable_time() = ToTimestamp(absl::Now());
  *event.mutable_progress() = job.progress();
  to_send_.push_back(std::move(event));
}

absl::Status JobWatch::Interruption() {
  MutexLock lock(&mutex_);
  if (is_cancelled_) return absl::CancelledError("the caller has gone");
  if (!is_ending_) return absl::OkStatus();
  return WithReason(
      absl::UnavailableError(absl::StrCat("the server is shutting down; watch again from sequence ", next_)),
      "SHUTTING_DOWN", {{"next_sequence", absl::StrCat(next_)}});
}

// False where something came since the last look.
bool JobWatch::BecomeIdle() {
  MutexLock lock(&mutex_);
  if (has_news_ || is_cancelled_ || is_ending_) return false;
  is_busy_ = false;
  return true;
}

void JobWatch::OnWriteDone(bool ok) {
  if (!ok) return FinishWith(absl::CancelledError("the caller has gone"));
  to_send_.pop_front();
  if (!to_send_.empty()) return StartWrite(&to_send_.front());
  ScheduleAdvance();
}

void JobWatch::FinishWith(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    is_finished_ = true;
  }
  Finish(ToGrpcStatus(status));
}

void JobWatch::OnDone() {
  const std::shared_ptr<JobWatch> self = std::move(self_);
  watches_->Remove(self);
  std::shared_ptr<void> subscription;
  {
    MutexLock lock(&mutex_);
    subscription = std::move(subscription_);
  }
}

}  // namespace deepbindnet
