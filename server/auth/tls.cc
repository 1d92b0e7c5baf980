#include "server/auth/tls.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include <utility>

#include "absl/time/clock.h"
#include "server/auth/socket_addresses.h"
#include "server/logging/logging.h"

namespace deepbindnet {
namespace {

constexpr absl::Duration kExpiresSoon = absl::Hours(14 * 24);

absl::StatusOr<PemIdentity> Read(const TlsOptions& options) {
  const absl::Time now = absl::Now();
  DBN_ASSIGN_OR_RETURN(PemIdentity pem, ReadPemIdentity(options, now));
  if (pem.expires - now < kExpiresSoon) {
    Log(LogLevel::kWarning, "the TLS certificate expires soon; renew it, then send SIGHUP",
        {{"file", options.certificate},
         {"expires", absl::FormatTime(absl::RFC3339_sec, pem.expires, absl::UTCTimeZone())}});
  }
  return pem;
}

}  // namespace

// gRPC's C++ has credentials whose certificate can change only through files that a thread of its own reads each
// second; its C asks a callback at each handshake. This gives the latter to the former.
class TlsIdentity::Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(TlsIdentity* identity) : identity_(identity) {}

  // Tokens are judged call by call, where the method is known.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override { GPR_ASSERT(false); }

 private:
  // gRPC replaces a listener's certificate without a lock, so that it must not accept at two sockets with one
  // listener's state: each address of a name gets its own.
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    int port = 0;
    for (const std::string& socket_address : SocketAddresses(address)) {
      const int added = identity_->Listen(WithPort(socket_address, port), server);
      if (added != 0) port = added;
    }
    return port;
  }

  TlsIdentity* const identity_;
};

absl::StatusOr<std::unique_ptr<TlsIdentity>> TlsIdentity::Load(const TlsOptions& options) {
  DBN_ASSIGN_OR_RETURN(PemIdentity pem, Read(options));
  return std::unique_ptr<TlsIdentity>(new TlsIdentity(options, std::move(pem)));
}

std::shared_ptr<grpc::ServerCredentials> TlsIdentity::credentials() { return std::make_shared<Credentials>(this); }

absl::Status TlsIdentity::Reload() {
  DBN_ASSIGN_OR_RETURN(PemIdentity read, Read(options_));
  auto pem = std::make_shared<const PemIdentity>(std::move(read));
  MutexLock lock(&mutex_);
  pem_ = std::move(pem);
  return absl::OkStatus();
}

absl::Time TlsIdentity::expires() const {
  MutexLock lock(&mutex_);
  return pem_->expires;
}

std::shared_ptr<const PemIdentity> TlsIdentity::TakeNew(Listener* listener) {
  MutexLock lock(&mutex_);
  if (listener->has == pem_) return nullptr;
  listener->has = pem_;
  return pem_;
}

grpc_ssl_certificate_config_reload_status TlsIdentity::Fetch(void* listener,
                                                             grpc_ssl_server_certificate_config** config) {
  Listener* const of = static_cast<Listener*>(listener);
  const std::shared_ptr<const PemIdentity> pem = of->identity->TakeNew(of);
  if (pem == nullptr) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const grpc_ssl_pem_key_cert_pair pair = {pem->key.c_str(), pem->certificate.c_str()};
  // gRPC wants authorities here even where it asks clients for no certificate; it does not use them then.
  const std::string& authorities = pem->client_ca.empty() ? pem->certificate : pem->client_ca;
  *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

int TlsIdentity::Listen(const std::string& address, grpc_server* server) {
  auto owned = std::make_unique<Listener>();
  Listener* const listener = owned.get();
  listener->identity = this;
  {
    MutexLock lock(&mutex_);
    listeners_.push_back(std::move(owned));
  }
  const auto request = options_.client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                  : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  grpc_server_credentials* const credentials = grpc_ssl_server_credentials_create_with_options(
      grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &TlsIdentity::Fetch, listener));
  const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
  grpc_server_credentials_release(credentials);
  return port;
}

}  // namespace deepbindnet
