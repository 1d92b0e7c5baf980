#include "server/jobs/job_state.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "server/jobs/clock.h"

namespace deepbindnet {
namespace {

struct Transition {
  v1::JobState from;
  v1::JobState to;
};

constexpr Transition kTransitions[] = {
    {v1::JOB_STATE_UNSPECIFIED, v1::QUEUED},
    {v1::QUEUED, v1::RUNNING},
    {v1::QUEUED, v1::CANCELLED},
    {v1::QUEUED, v1::PAUSED},
    {v1::RUNNING, v1::SUCCEEDED},
    {v1::RUNNING, v1::FAILED},
    {v1::RUNNING, v1::CANCELLING},
    {v1::RUNNING, v1::QUEUED},
    {v1::RUNNING, v1::PAUSING},
    {v1::RUNNING, v1::PAUSED},
    {v1::PAUSING, v1::PAUSED},
    {v1::PAUSING, v1::SUCCEEDED},
    {v1::PAUSING, v1::FAILED},
    {v1::PAUSING, v1::CANCELLING},
    {v1::CANCELLING, v1::CANCELLED},
    {v1::PAUSED, v1::QUEUED},
    {v1::PAUSED, v1::CANCELLED},
};

}  // namespace

bool HasEnded(v1::JobState state) { return state == v1::SUCCEEDED || state == v1::FAILED || state == v1::CANCELLED; }

bool HasWorker(v1::JobState state) { return state == v1::RUNNING || state == v1::PAUSING || state == v1::CANCELLING; }

bool IsLegalTransition(v1::JobState from, v1::JobState to) {
  return std::any_of(std::begin(kTransitions), std::end(kTransitions),
                     [=](const Transition& legal) { return legal.from == from && legal.to == to; });
}

absl::Status IllegalTransition(const v1::Job& job, v1::JobState to) {
  const std::string& from = v1::JobState_Name(job.state());
  return WithReason(absl::FailedPreconditionError(
                        absl::StrCat("job ", job.id(), " is ", from, " and cannot become ", v1::JobState_Name(to))),
                    "ILLEGAL_TRANSITION", {{"job", job.id()}, {"from", from}, {"to", v1::JobState_Name(to)}});
}

absl::StatusOr<v1::JobEvent> TransitionState(v1::Job* job, v1::JobState to, absl::string_view why, absl::Time now) {
  const v1::JobState from = job->state();
  if (!IsLegalTransition(from, to)) return IllegalTransition(*job, to);
  job->set_state(to);
  if (to == v1::RUNNING) *job->mutable_start_time() = ToTimestamp(now);
  if (HasEnded(to)) *job->mutable_end_time() = ToTimestamp(now);
  if (HasEnded(to) || to == v1::QUEUED) job->clear_pause();
  v1::JobEvent event;
  *event.mutable_time() = ToTimestamp(now);
  event.mutable_state_change()->set_from(from);
  event.mutable_state_change()->set_to(to);
  event.mutable_state_change()->set_why(std::string(why));
  return event;
}

}  // namespace deepbindnet
