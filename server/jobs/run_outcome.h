// What becomes of a job when its worker has ended.
#ifndef DEEPBINDNET_SERVER_JOBS_RUN_OUTCOME_H_
#define DEEPBINDNET_SERVER_JOBS_RUN_OUTCOME_H_

#include <optional>
#include <string>

#include "deepbindnet/v1/types.pb.h"
#include "server/jobs/worker_launcher.h"

namespace deepbindnet {

// All that is known of a worker that has ended.
struct RunReport {
  WorkerExit exit;
  std::optional<v1::JobResult> result;
  std::optional<v1::JobError> error;
  bool draining = false;  // The server told it to stop because it stops itself.
};

struct Outcome {
  v1::JobState to = v1::JOB_STATE_UNSPECIFIED;  // SUCCEEDED, FAILED, CANCELLED, PAUSED or QUEUED.
  std::string why;
  v1::JobError error;        // For FAILED; for PAUSED, why the server pauses it by itself.
  bool crashed = false;      // The worker ended in a way it should not: its log tells more, and a restart counts.
  bool not_started = false;  // There was no worker: that is the machine's trouble and not the job's, so none counts.
};

// Of a job that the server pauses by itself until its disk has room.
inline constexpr char kDiskFull[] = "DISK_FULL";

// Judges by the job's state (RUNNING, PAUSING or CANCELLING), its restarts so far and the report:
//   CANCELLING                                   -> CANCELLED, whatever the worker did last
//   exit 0 with the kind of result that is due   -> SUCCEEDED; without -> FAILED
//   exit 1 with the error DISK_FULL              -> PAUSED
//   exit 1 with another error                    -> FAILED
//   PAUSING                                      -> PAUSED
//   draining                                     -> QUEUED
//   not started                                  -> QUEUED, however often
//   anything else                                -> QUEUED while restarts < max_restarts, else FAILED
Outcome DecideOutcome(const v1::Job& job, const RunReport& report);

// For people: "was killed by signal 9 (SIGKILL)", "exited with code 3", "could not be started: ...".
std::string DescribeExit(const WorkerExit& exit);

// The last lines of a log, joined by " | ", in printable ASCII; empty where there is no such file or nothing in it.
std::string LogTail(const std::string& path);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_RUN_OUTCOME_H_
