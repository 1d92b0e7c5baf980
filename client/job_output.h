// A job's events and end, as the console shows them.
#ifndef DEEPBINDNET_CLIENT_JOB_OUTPUT_H_
#define DEEPBINDNET_CLIENT_JOB_OUTPUT_H_

#include "absl/status/status.h"
#include "client/console.h"
#include "client/session.h"
#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet::client {

// State changes, epochs and log lines as lines, progress as the bar. Errors and results are left to PrintEnd.
void PrintEvent(const v1::JobEvent& event, Console* console);

// A job that has just been accepted.
void PrintAccepted(const v1::Job& job, Session* session);

// A job that was checked and not started.
void PrintValidated(const v1::Job& job, Console* console);

// What the job made, and its last JSON line. Not OK, with exit code 1, unless it SUCCEEDED.
absl::Status PrintEnd(const v1::Job& job, Console* console);

// Follows an accepted job with PrintEvent and PrintEnd, or with `detach` says how to attach.
absl::Status FollowAndPrint(const v1::Job& job, bool detach, Session* session);

// The error of a job that has ended without success; OK otherwise.
absl::Status EndStatus(const v1::Job& job);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_JOB_OUTPUT_H_
