// What each request that makes a job says of how it is run.
#ifndef DEEPBINDNET_SERVER_RPC_JOB_POLICY_H_
#define DEEPBINDNET_SERVER_RPC_JOB_POLICY_H_

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "server/jobs/job_engine.h"
#include "server/rpc/validation.h"

namespace deepbindnet {

inline constexpr int kMaxPriority = 100;
inline constexpr uint32_t kMaxRestarts = 100;
inline constexpr uint32_t kDefaultRestarts = 3;

// Takes request_id, priority and max_restarts. INVALID_ARGUMENT names the field, with `prefix` before it.
template <typename Request>
absl::Status TakePolicy(const Request& request, absl::string_view prefix, JobSubmission* submission) {
  DBN_RETURN_IF_ERROR(ValidateRequestId(request.request_id()));
  if (request.priority() < -kMaxPriority || request.priority() > kMaxPriority) {
    return InvalidField(absl::StrCat(prefix, "priority"), absl::StrCat(request.priority()), "is not in -100..100");
  }
  const uint32_t max_restarts = request.has_max_restarts() ? request.max_restarts() : kDefaultRestarts;
  if (max_restarts > kMaxRestarts) {
    return InvalidField(absl::StrCat(prefix, "max_restarts"), absl::StrCat(max_restarts), "is not in 0..100");
  }
  submission->request_id = request.request_id();
  submission->priority = request.priority();
  submission->max_restarts = static_cast<int>(max_restarts);
  return absl::OkStatus();
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_JOB_POLICY_H_
