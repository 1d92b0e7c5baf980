// Calls that make a job, over a lost answer.
#ifndef DEEPBINDNET_CLIENT_SUBMIT_H_
#define DEEPBINDNET_CLIENT_SUBMIT_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "client/session.h"

namespace deepbindnet::client {

// Calls `call`, which sends `request_id`, and where its answer was lost once more: with the same request id both are
// one job. Where the second answer is missing too, the error says how to repeat the command.
absl::StatusOr<v1::Job> SubmitJob(const std::string& request_id, Session* session,
                                  const std::function<absl::StatusOr<v1::Job>()>& call);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_SUBMIT_H_
