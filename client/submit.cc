#include "client/submit.h"

#include "absl/strings/str_cat.h"

namespace deepbindnet::client {

absl::StatusOr<v1::Job> SubmitJob(const std::string& request_id, Session* session,
                                  const std::function<absl::StatusOr<v1::Job>()>& call) {
  Connection* connection = session->connection();
  absl::StatusOr<v1::Job> job = call();
  const bool lost = IsAnswerLost(job.status());
  if (lost) {
    session->console()->Note(absl::StrCat("no answer came (", ErrorLine(job.status()), "); trying once more"));
    Backoff backoff(absl::Seconds(connection->options().reconnect_timeout_seconds), connection->interrupt());
    if (backoff.Wait(GetRetryDelay(job.status()))) job = call();
    if (!job.ok() && connection->interrupted()) job = InterruptedError("interrupted");
  }
  const bool unknown = absl::IsUnavailable(job.status()) || absl::IsDeadlineExceeded(job.status());
  if (job.ok() || !(connection->interrupted() || (lost && unknown))) return job;
  return AppendMessage(job.status(), absl::StrCat("; repeat with --request-id ", QuoteForShell(request_id),
                                                  ", which keeps it one job if the first call did arrive"));
}

}  // namespace deepbindnet::client
