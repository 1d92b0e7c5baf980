// The one place where our errors become gRPC's.
#ifndef DEEPBINDNET_SERVER_RPC_GRPC_STATUS_H_
#define DEEPBINDNET_SERVER_RPC_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <exception>
#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

// The same code and message, and in the details a google.rpc.Status with ErrorInfo (the reason and metadata of
// WithReason, domain "deepbindnet") and, for RESOURCE_EXHAUSTED, RetryInfo. Texts are cut so that all of it fits the
// 8 KiB that clients accept as metadata.
grpc::Status ToGrpcStatus(const absl::Status& status);

// At most `max_bytes` of `text`, valid UTF-8, with "..." where it was cut. Bytes that are not UTF-8 become '?'.
std::string ClipText(absl::string_view text, size_t max_bytes);

// RESOURCE_EXHAUSTED for out of memory, INTERNAL for the rest, with the first line of the message.
absl::Status FromException(const std::exception& error);

// Runs `body`, which returns a Status or StatusOr: gRPC turns an exception that leaves a callback handler into
// UNIMPLEMENTED without a message.
template <typename Body>
auto CatchAll(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return FromException(error);
  } catch (...) {
    return absl::InternalError("unknown exception");
  }
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_GRPC_STATUS_H_
