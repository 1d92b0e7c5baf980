// Whether a job can be accepted, as far as what is stored decides.
#ifndef DEEPBINDNET_SERVER_JOBS_SUBMISSION_H_
#define DEEPBINDNET_SERVER_JOBS_SUBMISSION_H_

#include "absl/time/time.h"
#include "core/base/status.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/jobs/job_engine.h"
#include "server/store/store.h"

namespace deepbindnet {

// NOT_FOUND (DATASET_NOT_FOUND, MODEL_NOT_FOUND) for what `spec` reads, ALREADY_EXISTS (NAME_TAKEN) for a data set or
// model that it would make, INVALID_ARGUMENT for an empty spec.
absl::Status CheckAgainstStore(const v1::JobSpec& spec, Store* store);

// ALREADY_EXISTS (NAME_TAKEN): `job` is at work on what `spec` would make.
absl::Status CheckAgainstJob(const v1::JobSpec& spec, const v1::Job& job);

// The answer to a request_id seen before: OK where `job` has the same spec, else ALREADY_EXISTS (REQUEST_ID_TAKEN).
absl::Status CheckRepeat(const JobSubmission& submission, const v1::Job& job);

// UNAVAILABLE, reason SHUTTING_DOWN.
absl::Status ShuttingDown();

// The job as it would be accepted: without id and state.
v1::Job NewJob(const JobSubmission& submission, absl::Time now);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_SUBMISSION_H_
