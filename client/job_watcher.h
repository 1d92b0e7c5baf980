// Follows a job to its end, over lost connections and server restarts.
#ifndef DEEPBINDNET_CLIENT_JOB_WATCHER_H_
#define DEEPBINDNET_CLIENT_JOB_WATCHER_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/session.h"

namespace deepbindnet::client {

// The job as it stands; `job` is an id or the name of what it makes.
absl::StatusOr<v1::Job> GetJob(const std::string& job, Session* session);

// SUCCEEDED, FAILED or CANCELLED: nothing more can happen.
bool HasEnded(v1::JobState state);

// Not thread-safe.
class JobWatcher {
 public:
  using EventHandler = std::function<void(const v1::JobEvent&)>;

  explicit JobWatcher(Session* session) : session_(session) {}

  // Gives `handler` every journalled event of `job` (an id or a name) from `from_sequence` on, once and in order, and
  // live progress; returns the job when it has ended, however it ended and however long it was paused. When the
  // connection is lost it comes back with the next sequence, as long as the reconnect timeout allows, which counts from
  // the loss; then the error is UNAVAILABLE and says how to re-attach. An interrupt is an InterruptedError that says
  // the same.
  absl::StatusOr<v1::Job> Follow(const std::string& job, uint64_t from_sequence, const EventHandler& handler);

  // As Follow, but returns, with the job as it then stands, also after the first state change that `settles`.
  absl::StatusOr<v1::Job> Await(const std::string& job, uint64_t from_sequence,
                                const std::function<bool(const v1::StateChange&)>& settles);

  // As Follow, but ends after the event `last_sequence`, and does not wait for the job.
  absl::Status Replay(const std::string& job, uint64_t last_sequence, const EventHandler& handler);

 private:
  struct Position {
    std::string job;                                             // What to ask for: the id as soon as it is known.
    uint64_t next = 1;                                           // First sequence not yet handled.
    std::function<bool(const v1::JobEvent&)> is_last = nullptr;  // Stop after this one; empty: at the stream's end.
    bool reached = false;                                        // The last one has been handled.
  };
  absl::StatusOr<v1::Job> FollowTo(Position position, const EventHandler& handler);
  // One stream, until it ends. OK: the server ended it, or position->reached.
  absl::Status ReadStream(Position* position, Backoff* backoff, const EventHandler& handler);
  // UNAVAILABLE where the stream ended before the job, so that following goes on.
  absl::StatusOr<v1::Job> EndedJob(const Position& position);
  // A stream from `opened` until now is a sign of life of the server, even if nothing came: a paused job is silent.
  bool ShowedLife(const absl::Status& end, absl::Time opened) const;
  // The connection was lost, or the server is busy: it has answered before and will again.
  bool IsWorthRetrying(const absl::Status& status) const;
  // `status` with how to go on with a job of which something has been seen.
  absl::Status WithReattach(const absl::Status& status, const Position& position) const;
  absl::Status Detached(const Position& position) const;
  absl::Status GivenUp(const Position& position, const absl::Status& why) const;

  Session* const session_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_JOB_WATCHER_H_
