// The life of a job:
//
//   (new) -> QUEUED -> RUNNING -> SUCCEEDED | FAILED
//              ^ |        |-> QUEUED        worker crashed, or the server stopped
//              | |        |-> PAUSING -> PAUSED | SUCCEEDED | FAILED | CANCELLING
//              | |        |-> PAUSED        no room on the disk
//              | |        `-> CANCELLING -> CANCELLED
//              | |-> CANCELLED
//              | `-> PAUSED
//            PAUSED -> QUEUED | CANCELLED
//
// SUCCEEDED, FAILED and CANCELLED are final.
#ifndef DEEPBINDNET_SERVER_JOBS_JOB_STATE_H_
#define DEEPBINDNET_SERVER_JOBS_JOB_STATE_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/status.h"
#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet {

// True once nothing more can happen to a job in this state: SUCCEEDED, FAILED, CANCELLED.
bool HasEnded(v1::JobState state);

// True while a worker has the job: RUNNING, PAUSING, CANCELLING.
bool HasWorker(v1::JobState state);

// JOB_STATE_UNSPECIFIED is the state of a job that has not been accepted yet.
bool IsLegalTransition(v1::JobState from, v1::JobState to);

// FAILED_PRECONDITION, reason ILLEGAL_TRANSITION, names both states.
absl::Status IllegalTransition(const v1::Job& job, v1::JobState to);

// The only place that changes a job's state. Sets start_time on RUNNING, end_time on a final state, clears pause once
// the job is queued or has ended, and returns the journal's event for it. IllegalTransition() leaves `*job` as it is.
absl::StatusOr<v1::JobEvent> TransitionState(v1::Job* job, v1::JobState to, absl::string_view why, absl::Time now);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_JOB_STATE_H_
