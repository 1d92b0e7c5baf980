// A call that is made once more where its answer was lost.
#ifndef DEEPBINDNET_CLIENT_REPEAT_H_
#define DEEPBINDNET_CLIENT_REPEAT_H_

#include "absl/strings/str_cat.h"
#include "client/connection.h"
#include "client/error.h"
#include "client/session.h"

namespace deepbindnet::client {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename Value>
const absl::Status& StatusOf(const absl::StatusOr<Value>& value) {
  return value.status();
}

// Returns what `call` returns, a Status or StatusOr; it may be made twice. `*repeated` tells that it was made
// twice: the first may have done its work.
template <typename Call>
auto RepeatIfLost(Session* session, bool* repeated, Call call) -> decltype(call()) {
  Connection* connection = session->connection();
  auto answer = call();
  *repeated = IsAnswerLost(StatusOf(answer));
  if (!*repeated) return answer;
  session->console()->Note(absl::StrCat("no answer came (", ErrorLine(StatusOf(answer)), "); trying once more"));
  Backoff backoff(absl::Seconds(connection->options().reconnect_timeout_seconds), connection->interrupt());
  if (backoff.Wait(GetRetryDelay(StatusOf(answer)))) answer = call();
  if (!answer.ok() && connection->interrupted()) return InterruptedError("interrupted");
  return answer;
}

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_REPEAT_H_
