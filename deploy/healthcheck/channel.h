// The way to the server that is asked how it is.
#ifndef DEEPBINDNET_DEPLOY_HEALTHCHECK_CHANNEL_H_
#define DEEPBINDNET_DEPLOY_HEALTHCHECK_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace deepbindnet {

struct ChannelOptions {
  std::string server;             // HOST:PORT
  bool tls = false;               // The next four imply it.
  std::string tls_ca;             // PEM file of trusted authorities; empty: the system's.
  std::string tls_cert, tls_key;  // PEM files to show where the server asks for a certificate; both or none.
  std::string tls_server_name;    // That the server's certificate must have; empty: the host of `server`.
};

// With a certificate and its key alone, as a server's environment names them, a server on this machine is not verified:
// it gets no secret and can tell nothing but how it is, its certificate need not name this machine, and one that was
// replaced or has expired is no reason to call the server that still uses it unhealthy. INVALID_ARGUMENT names the
// option that is missing or whose file cannot be read. Blocks on the file system; calls on the channel connect.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const ChannelOptions& options);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_DEPLOY_HEALTHCHECK_CHANNEL_H_
