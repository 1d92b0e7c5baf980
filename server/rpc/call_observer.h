// Counts and logs every call of every registered service, failures included.
#ifndef DEEPBINDNET_SERVER_RPC_CALL_OBSERVER_H_
#define DEEPBINDNET_SERVER_RPC_CALL_OBSERVER_H_

#include <grpcpp/support/server_interceptor.h>

#include "absl/strings/string_view.h"
#include "server/metrics/metrics.h"

namespace deepbindnet {

// "OK", "NOT_FOUND", ...
absl::string_view GrpcCodeName(int code);

// `metrics` must outlive the server.
class CallObserverFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallObserverFactory(Metrics* metrics) : metrics_(metrics) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override;

 private:
  Metrics* const metrics_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_CALL_OBSERVER_H_
