#include "client/submit.h"

#include "absl/strings/str_cat.h"
#include "client/repeat.h"

namespace deepbindnet::client {

absl::StatusOr<v1::Job> SubmitJob(const std::string& request_id, Session* session,
                                  const std::function<absl::StatusOr<v1::Job>()>& call) {
  bool lost = false;
  const absl::StatusOr<v1::Job> job = RepeatIfLost(session, &lost, call);
  const bool unknown = absl::IsUnavailable(job.status()) || absl::IsDeadlineExceeded(job.status());
  if (job.ok() || !(session->connection()->interrupted() || (lost && unknown))) return job;
  return AppendMessage(job.status(), absl::StrCat("; repeat with --request-id ", QuoteForShell(request_id),
                                                  ", which keeps it one job if the first call did arrive"));
}

}  // namespace deepbindnet::client
