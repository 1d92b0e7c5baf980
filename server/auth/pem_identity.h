// The files that make a server's TLS identity, read and judged.
#ifndef DEEPBINDNET_SERVER_AUTH_PEM_IDENTITY_H_
#define DEEPBINDNET_SERVER_AUTH_PEM_IDENTITY_H_

#include <string>

#include "absl/time/time.h"
#include "core/base/status.h"

namespace deepbindnet {

// PEM files.
struct TlsOptions {
  std::string certificate;  // The server's, then those that lead to an authority.
  std::string key;          // Of the first certificate, without a pass phrase.
  std::string client_ca;    // Authorities of clients; empty: clients need no certificate.
};

// PEM text that a TLS server can work with.
struct PemIdentity {
  std::string certificate;
  std::string key;
  std::string client_ca;
  absl::Time expires;  // The first certificate's end.
};

// INVALID_ARGUMENT names the option (--tls-cert, --tls-key, --tls-client-ca), the file and the remedy: a file that
// cannot be read or has nothing of its kind, a key with a pass phrase or of another certificate, a certificate that is
// not valid at `now` or is too weak for OpenSSL. Blocks on the file system.
absl::StatusOr<PemIdentity> ReadPemIdentity(const TlsOptions& options, absl::Time now);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_AUTH_PEM_IDENTITY_H_
