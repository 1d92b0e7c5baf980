// Counts and logs every call of every registered service, failures included, and keeps paths of this machine from
// clients.
#ifndef DEEPBINDNET_SERVER_RPC_CALL_OBSERVER_H_
#define DEEPBINDNET_SERVER_RPC_CALL_OBSERVER_H_

#include <grpcpp/support/server_interceptor.h>

#include <string>

#include "absl/strings/string_view.h"
#include "server/metrics/metrics.h"

namespace deepbindnet {

// "OK", "NOT_FOUND", ...
absl::string_view GrpcCodeName(int code);

// Errors are logged as they are; clients get them without "`data_dir`/". `metrics` must outlive the server.
class CallObserverFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  CallObserverFactory(Metrics* metrics, const std::string& data_dir)
      : metrics_(metrics), private_path_(data_dir + "/") {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override;

 private:
  Metrics* const metrics_;
  const std::string private_path_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_RPC_CALL_OBSERVER_H_
