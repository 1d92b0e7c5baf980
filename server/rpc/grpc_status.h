// The one place where our errors become gRPC's.
#ifndef DEEPBINDNET_SERVER_RPC_GRPC_STATUS_H_
#define DEEPBINDNET_SERVER_RPC_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

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

// `status` without `text` in its message and details.
grpc::Status WithoutText(const grpc::Status& status, const std::string& text);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_GRPC_STATUS_H_
