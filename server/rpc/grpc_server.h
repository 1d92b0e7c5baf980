// The listening gRPC server: our service, health, reflection, and the observer of every call.
#ifndef DEEPBINDNET_SERVER_RPC_GRPC_SERVER_H_
#define DEEPBINDNET_SERVER_RPC_GRPC_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "core/base/status.h"
#include "server/metrics/metrics.h"
#include "server/rpc/service.h"

namespace deepbindnet {

struct GrpcServerOptions {
  std::string address;                                             // HOST:PORT; port 0 takes a free one.
  std::shared_ptr<grpc::ServerCredentials> credentials = nullptr;  // Null: without TLS.
  size_t max_message_bytes = RequestLimits().max_message_bytes;
};

class GrpcServer {
 public:
  // Health says NOT_SERVING until SetServing. UNAVAILABLE where it cannot listen, a port that is in use included. All
  // must outlive the server.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options, Service* service,
                                                           Metrics* metrics);
  // Stops at once where Shutdown has not been called.
  ~GrpcServer();

  int port() const { return port_; }

  // What grpc.health.v1.Health answers for "" and for "deepbindnet.v1.DeepBindNet".
  void SetServing(bool serving);

  // Accepts no more calls, waits for those that run until `deadline`, then cancels them. Call once.
  void Shutdown(absl::Time deadline);

 private:
  class UnknownMethods;

  GrpcServer();

  const std::unique_ptr<UnknownMethods> unknown_methods_;  // Outlives server_.
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  bool is_shut_down_ = false;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_GRPC_SERVER_H_
