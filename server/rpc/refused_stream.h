// A stream that ends at once with an error.
#ifndef DEEPBINDNET_SERVER_RPC_REFUSED_STREAM_H_
#define DEEPBINDNET_SERVER_RPC_REFUSED_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include "core/base/status.h"
#include "server/rpc/grpc_status.h"

namespace deepbindnet {

// `Reactor` is one of gRPC's. Deletes itself once gRPC is done with it.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_REFUSED_STREAM_H_
