// A call that is asked for again while the server is busy or, once it has answered, lost.
#ifndef DEEPBINDNET_CLIENT_PATIENCE_H_
#define DEEPBINDNET_CLIENT_PATIENCE_H_

#include <optional>

#include "absl/time/time.h"
#include "client/connection.h"
#include "client/error.h"

namespace deepbindnet::client {

// Returns what `call`, which returns a StatusOr, returns: its value, an error that no later try changes, or the last
// one after ConnectionOptions::reconnect_timeout_seconds. For calls that may be made twice.
template <typename Call>
auto CallPatiently(Connection* connection, Call call) -> decltype(call()) {
  Backoff backoff(absl::Seconds(connection->options().reconnect_timeout_seconds), connection->interrupt());
  for (;;) {
    auto response = call();
    if (response.ok()) return response;
    const std::optional<absl::Duration> delay = GetRetryDelay(response.status());
    const bool later = delay.has_value() || (IsConnectionLoss(response.status()) && connection->has_answered());
    if (later && backoff.Wait(delay)) continue;
    if (connection->interrupted()) return InterruptedError("interrupted; --output was not written");
    return response;
  }
}

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_PATIENCE_H_
