#include "deploy/healthcheck/channel.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace deepbindnet {
namespace {

using grpc::experimental::IdentityKeyCertPair;

bool IsThisMachine(absl::string_view server) {
  if (absl::StartsWith(server, "unix:")) return true;
  const std::string host(server.substr(0, server.rfind(':')));
  in_addr address;
  const bool is_ipv4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return is_ipv4 ? ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET : host == "localhost" || host == "[::1]";
}

bool UsesTls(const ChannelOptions& options) {
  return options.tls || !options.tls_ca.empty() || !options.tls_cert.empty() || !options.tls_key.empty() ||
         !options.tls_server_name.empty();
}

bool VerifiesServer(const ChannelOptions& options) {
  return options.tls || !options.tls_ca.empty() || !options.tls_server_name.empty() || !IsThisMachine(options.server);
}

// "" for no path.
absl::StatusOr<std::string> ReadPem(absl::string_view option, const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  if (file && (contents << file.rdbuf())) return contents.str();
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", path, " cannot be read or is empty"));
}

std::shared_ptr<grpc::ChannelCredentials> UnverifiedTls(const IdentityKeyCertPair& identity) {
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_verify_server_certs(false);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  tls.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(std::vector<IdentityKeyCertPair>{identity}));
  tls.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(tls);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const ChannelOptions& options) {
  if (!UsesTls(options)) return grpc::InsecureChannelCredentials();
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together: both or none");
  }
  const absl::StatusOr<std::string> authorities = ReadPem("--tls-ca", options.tls_ca);
  if (!authorities.ok()) return authorities.status();
  const absl::StatusOr<std::string> certificate = ReadPem("--tls-cert", options.tls_cert);
  if (!certificate.ok()) return certificate.status();
  const absl::StatusOr<std::string> key = ReadPem("--tls-key", options.tls_key);
  if (!key.ok()) return key.status();
  if (!VerifiesServer(options)) return UnverifiedTls({*key, *certificate});
  return grpc::SslCredentials({*authorities, *key, *certificate});
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const ChannelOptions& options) {
  const absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = MakeCredentials(options);
  if (!credentials.ok()) return credentials.status();
  grpc::ChannelArguments arguments;
  if (IsThisMachine(options.server)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!options.tls_server_name.empty()) arguments.SetSslTargetNameOverride(options.tls_server_name);
  return grpc::CreateCustomChannel(options.server, *credentials, arguments);
}

}  // namespace deepbindnet
