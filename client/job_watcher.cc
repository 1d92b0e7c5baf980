#include "client/job_watcher.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/format.h"

namespace deepbindnet::client {
namespace {

// A server that is not there does not hold a stream for so long.
constexpr absl::Duration kSignOfLife = absl::Seconds(5);

std::string DescribeLimit(absl::Duration limit) {
  if (limit == absl::InfiniteDuration()) return "until it is back";
  return absl::StrCat("for up to ", FormatSeconds(absl::ToDoubleSeconds(limit)));
}

}  // namespace

absl::StatusOr<v1::Job> GetJob(const std::string& job, Session* session) {
  v1::GetStatusRequest request;
  request.set_job(job);
  return session->connection()->Call(&v1::DeepBindNet::StubInterface::GetStatus, request);
}

bool HasEnded(v1::JobState state) { return state == v1::SUCCEEDED || state == v1::FAILED || state == v1::CANCELLED; }

absl::StatusOr<v1::Job> JobWatcher::Follow(const std::string& job, uint64_t from_sequence,
                                           const EventHandler& handler) {
  return FollowTo({job, std::max<uint64_t>(from_sequence, 1)}, handler);
}

absl::StatusOr<v1::Job> JobWatcher::Await(const std::string& job, uint64_t from_sequence,
                                          const std::function<bool(const v1::StateChange&)>& settles) {
  const auto is_last = [&settles](const v1::JobEvent& event) {
    return event.has_state_change() && settles(event.state_change());
  };
  return FollowTo({job, std::max<uint64_t>(from_sequence, 1), is_last}, [](const v1::JobEvent&) {});
}

absl::StatusOr<v1::Job> JobWatcher::FollowTo(Position position, const EventHandler& handler) {
  Connection* connection = session_->connection();
  const absl::Duration limit = absl::Seconds(connection->options().reconnect_timeout_seconds);
  Backoff backoff(limit, connection->interrupt());
  bool lost = false;
  bool seen = false;  // Something of the job.
  for (;;) {
    const absl::Time opened = absl::Now();
    absl::Status status = ReadStream(&position, &backoff, [&](const v1::JobEvent& event) {
      lost = false;
      seen = true;
      handler(event);
    });
    if (status.ok()) {
      absl::StatusOr<v1::Job> job = position.reached ? GetJob(position.job, session_) : EndedJob(position);
      if (job.ok()) return job;
      status = job.status();
    }
    if (connection->interrupted()) return Detached(position);
    if (ShowedLife(status, opened)) {
      connection->set_has_answered();
      backoff.Reset();
      lost = false;
    }
    if (!IsWorthRetrying(status)) return seen ? WithReattach(status, position) : status;
    if (!lost) {
      session_->console()->Note(absl::StrCat(IsConnectionLoss(status) ? "the connection was lost" : ErrorLine(status),
                                             "; trying again ", DescribeLimit(limit)));
      lost = true;
    }
    if (!backoff.Wait(GetRetryDelay(status))) {
      return connection->interrupted() ? Detached(position) : GivenUp(position, status);
    }
  }
}

absl::Status JobWatcher::Replay(const std::string& job, uint64_t last_sequence, const EventHandler& handler) {
  if (last_sequence == 0) return absl::OkStatus();
  Position position{job, 1, [=](const v1::JobEvent& event) { return event.sequence() >= last_sequence; }};
  Backoff backoff(absl::ZeroDuration(), nullptr);
  return ReadStream(&position, &backoff, handler);
}

absl::Status JobWatcher::ReadStream(Position* position, Backoff* backoff, const EventHandler& handler) {
  if (position->reached) return absl::OkStatus();
  Connection* connection = session_->connection();
  InterruptibleContext context(connection->interrupt());
  const std::string call_id = connection->Prepare(context.get());
  v1::WatchJobRequest request;
  request.set_job(position->job);
  request.set_from_sequence(position->next);
  const auto reader = connection->stub()->WatchJob(context.get(), request);
  absl::Status gap;
  v1::JobEvent event;
  while (gap.ok() && !position->reached && reader->Read(&event)) {
    connection->set_has_answered();
    position->job = event.job_id();
    if (event.has_progress()) {
      backoff->Reset();
      handler(event);
      continue;
    }
    if (event.sequence() < position->next) continue;
    if (event.sequence() > position->next) {
      gap = absl::UnavailableError(absl::StrCat("event ", position->next, " of the job did not come"));
      break;
    }
    backoff->Reset();
    handler(event);
    ++position->next;
    position->reached = position->is_last && position->is_last(event);
  }
  if (!gap.ok() || position->reached) context->TryCancel();
  const absl::Status end = connection->Finish(reader->Finish(), call_id);
  if (position->reached) return absl::OkStatus();
  return gap.ok() ? end : gap;
}

absl::StatusOr<v1::Job> JobWatcher::EndedJob(const Position& position) {
  CLIENT_ASSIGN_OR_RETURN(v1::Job job, GetJob(position.job, session_));
  if (!HasEnded(job.state()) || job.last_sequence() >= position.next) {
    return absl::UnavailableError("the server ended the stream before the job ended");
  }
  return job;
}

bool JobWatcher::ShowedLife(const absl::Status& end, absl::Time opened) const {
  const absl::Duration limit = absl::Seconds(session_->connection()->options().reconnect_timeout_seconds);
  return IsConnectionLoss(end) && !WasNotSent(end) && absl::Now() - opened >= std::min(limit, kSignOfLife);
}

bool JobWatcher::IsWorthRetrying(const absl::Status& status) const {
  if (!session_->connection()->has_answered()) return false;
  return IsConnectionLoss(status) || absl::IsDeadlineExceeded(status) || GetRetryDelay(status).has_value();
}

absl::Status JobWatcher::WithReattach(const absl::Status& status, const Position& position) const {
  return AppendMessage(status, absl::StrCat("; job ", position.job, " is kept; re-attach: ",
                                            session_->CommandLine({"jobs", "watch", position.job})));
}

absl::Status JobWatcher::Detached(const Position& position) const {
  return InterruptedError(absl::StrCat(
      "detached; job ", position.job, " goes on; re-attach: ", session_->CommandLine({"jobs", "watch", position.job})));
}

absl::Status JobWatcher::GivenUp(const Position& position, const absl::Status& why) const {
  return absl::UnavailableError(absl::StrCat(
      "server ", session_->connection()->options().server, " did not come back (", why.message(), "); job ",
      position.job, " is kept; re-attach later: ", session_->CommandLine({"jobs", "watch", position.job})));
}

}  // namespace deepbindnet::client
