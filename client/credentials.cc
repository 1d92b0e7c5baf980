#include "client/credentials.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deepbindnet::client {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::StatusOr<std::string> ReadTextFile(const std::string& option, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  if (!file || !(contents << file.rdbuf())) {
    return UsageError(absl::StrCat(option, ": ", path, " cannot be read or is empty"));
  }
  return contents.str();
}

Bio Open(const std::string& pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free); }

// Instead of asking on the terminal for the passphrase of a key.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<Certificate> ParseCertificate(const std::string& option, const std::string& path,
                                             const std::string& pem) {
  const Bio bio = Open(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr), &X509_free);
  ERR_clear_error();
  if (certificate != nullptr) return certificate;
  return UsageError(absl::StrCat(option, ": ", path, " has no certificate in PEM form"));
}

// What gRPC would only report as a server that is not reachable.
absl::Status CheckIdentity(const ConnectionOptions& options, const std::string& certificate_pem,
                           const std::string& key_pem) {
  CLIENT_ASSIGN_OR_RETURN(const Certificate certificate,
                          ParseCertificate("--tls-cert", options.tls_cert, certificate_pem));
  const Bio bio = Open(key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr), &EVP_PKEY_free);
  const bool fits = key != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) {
    return UsageError(
        absl::StrCat("--tls-key: ", options.tls_key, " has no private key in PEM form that needs no passphrase"));
  }
  if (fits) return absl::OkStatus();
  return UsageError(absl::StrCat("--tls-key: ", options.tls_key, " is not the key of the certificate in --tls-cert ",
                                 options.tls_cert));
}

}  // namespace

bool UsesTls(const ConnectionOptions& options) {
  return options.tls || !options.tls_ca.empty() || !options.tls_cert.empty() || !options.tls_key.empty() ||
         !options.tls_server_name.empty();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const ConnectionOptions& options) {
  if (!UsesTls(options)) return grpc::InsecureChannelCredentials();
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    const auto [given, missing] =
        options.tls_key.empty() ? std::pair("--tls-cert", "--tls-key") : std::pair("--tls-key", "--tls-cert");
    return UsageError(absl::StrCat(given, ": needs ", missing, ", too"));
  }
  grpc::SslCredentialsOptions ssl;
  if (!options.tls_ca.empty()) {
    CLIENT_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadTextFile("--tls-ca", options.tls_ca));
    CLIENT_RETURN_IF_ERROR(ParseCertificate("--tls-ca", options.tls_ca, ssl.pem_root_certs).status());
  }
  if (!options.tls_cert.empty()) {
    CLIENT_ASSIGN_OR_RETURN(ssl.pem_cert_chain, ReadTextFile("--tls-cert", options.tls_cert));
    CLIENT_ASSIGN_OR_RETURN(ssl.pem_private_key, ReadTextFile("--tls-key", options.tls_key));
    CLIENT_RETURN_IF_ERROR(CheckIdentity(options, ssl.pem_cert_chain, ssl.pem_private_key));
  }
  return grpc::SslCredentials(ssl);
}

absl::StatusOr<std::string> ReadAuthorization(const ConnectionOptions& options) {
  if (options.token_file.empty()) return "";
  CLIENT_ASSIGN_OR_RETURN(const std::string text, ReadTextFile("--token-file", options.token_file));
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  const absl::string_view token = absl::StripAsciiWhitespace(lines[0]);
  const bool is_token = !token.empty() && std::all_of(token.begin(), token.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (is_token) return absl::StrCat("Bearer ", token);
  return UsageError(
      absl::StrCat("--token-file: the first line of ", options.token_file, " is no token; it must be the token alone"));
}

bool OthersMayRead(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

}  // namespace deepbindnet::client
