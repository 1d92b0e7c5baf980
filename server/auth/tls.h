// The TLS side of a gRPC server, renewed while it runs.
#ifndef DEEPBINDNET_SERVER_AUTH_TLS_H_
#define DEEPBINDNET_SERVER_AUTH_TLS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "server/auth/pem_identity.h"

namespace deepbindnet {

// Thread-safe.
class TlsIdentity {
 public:
  // Errors as ReadPemIdentity(). A certificate that ends within two weeks is a warning in the log.
  static absl::StatusOr<std::unique_ptr<TlsIdentity>> Load(const TlsOptions& options);

  // For ServerBuilder::AddListeningPort(): TLS 1.2 or 1.3, with a client certificate that is required and verified
  // where TlsOptions::client_ca is given. The identity must outlive the credentials and every server that uses them.
  // Such a server must not share its ports (GRPC_ARG_ALLOW_REUSEPORT 0).
  std::shared_ptr<grpc::ServerCredentials> credentials();

  // Reads the files again: every handshake that begins after it has them, and connections that stand stay. On an error
  // (as Load()) all is as it was. Blocks on the file system.
  absl::Status Reload();

  // When the certificate that new connections get ends.
  absl::Time expires() const;

 private:
  // One listening socket.
  struct Listener {
    TlsIdentity* identity;
    std::shared_ptr<const PemIdentity> has;  // What gRPC uses there; guarded by identity->mutex_.
  };
  class Credentials;

  TlsIdentity(const TlsOptions& options, PemIdentity pem)
      : options_(options), pem_(std::make_shared<const PemIdentity>(std::move(pem))) {}

  // gRPC asks at each handshake; `listener` is a Listener.
  static grpc_ssl_certificate_config_reload_status Fetch(void* listener, grpc_ssl_server_certificate_config** config);
  // Nothing where the listener has the newest.
  std::shared_ptr<const PemIdentity> TakeNew(Listener* listener);
  // The port, 0 where it cannot listen.
  int Listen(const std::string& address, grpc_server* server);

  // Constant after construction.
  const TlsOptions options_;

  mutable Mutex mutex_;
  std::shared_ptr<const PemIdentity> pem_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Listener>> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_AUTH_TLS_H_
