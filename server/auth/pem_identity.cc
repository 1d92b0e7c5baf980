#include "server/auth/pem_identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"

namespace deepbindnet {
namespace {

constexpr char kCertificateOption[] = "--tls-cert";
constexpr char kKeyOption[] = "--tls-key";
constexpr char kClientCaOption[] = "--tls-client-ca";

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Free>;

// What OpenSSL says of its last failure; takes it off the thread's queue.
std::string OpenSslReason() {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

Owned<BIO> Open(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

absl::StatusOr<std::string> ReadPem(const char* option, const std::string& path) {
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (pem.ok()) return pem;
  return InvalidField(
      option, path,
      absl::StrCat("is not readable (", pem.status().message(), "); give a PEM file that this user may read"));
}

// At least one.
absl::StatusOr<std::vector<Owned<X509>>> ParseCertificates(const char* option, const std::string& path,
                                                           const std::string& pem) {
  const Owned<BIO> bio = Open(pem);
  std::vector<Owned<X509>> certificates;
  ERR_clear_error();
  while (Owned<X509> certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    certificates.push_back(std::move(certificate));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = OpenSslReason();
  if (!at_end) {
    return InvalidField(
        option, path,
        absl::StrCat("has a certificate that cannot be read (", reason, "); give whole certificates in PEM"));
  }
  if (certificates.empty()) return InvalidField(option, path, "has no certificate; give one in PEM");
  return certificates;
}

absl::StatusOr<Owned<EVP_PKEY>> ParseKey(const std::string& path, const std::string& pem) {
  const Owned<BIO> bio = Open(pem);
  bool is_encrypted = false;
  // Without it OpenSSL would ask for the pass phrase at the terminal.
  const auto refuse = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  ERR_clear_error();
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse, &is_encrypted));
  if (key != nullptr) return key;
  ERR_clear_error();
  if (is_encrypted) {
    return InvalidField(kKeyOption, path, "is encrypted; give it without a pass phrase, readable by this user alone");
  }
  return InvalidField(kKeyOption, path, "has no private key that OpenSSL can read; give one in PEM");
}

absl::Time ToTime(const ASN1_TIME* time) {
  std::tm utc{};
  ASN1_TIME_to_tm(time, &utc);
  return absl::FromTM(utc, absl::UTCTimeZone());
}

std::string Day(absl::Time time) { return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone()); }

absl::Status CheckValidity(const std::string& path, const X509* certificate, absl::Time now) {
  const absl::Time begin = ToTime(X509_get0_notBefore(certificate));
  const absl::Time end = ToTime(X509_get0_notAfter(certificate));
  if (now >= end) {
    return InvalidField(kCertificateOption, path, absl::StrCat("expired on ", Day(end), "; renew the certificate"));
  }
  if (now >= begin) return absl::OkStatus();
  return InvalidField(kCertificateOption, path,
                      absl::StrCat("is not valid before ", Day(begin), "; look at this machine's clock"));
}

// Takes certificate and key as gRPC will: what OpenSSL refuses there, it refuses here.
absl::Status CheckUsable(const TlsOptions& options, X509* certificate, EVP_PKEY* key) {
  if (X509_check_private_key(certificate, key) != 1) {
    ERR_clear_error();
    return InvalidField(kKeyOption, options.key,
                        absl::StrCat("is not the key of the first certificate in ", options.certificate, " (",
                                     kCertificateOption, "); give files that belong together"));
  }
  const Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  if (context != nullptr && SSL_CTX_use_certificate(context.get(), certificate) == 1 &&
      SSL_CTX_use_PrivateKey(context.get(), key) == 1) {
    return absl::OkStatus();
  }
  return InvalidField(
      kCertificateOption, options.certificate,
      absl::StrCat("is refused by OpenSSL (", OpenSslReason(), "); give a certificate of today's strength"));
}

absl::Status CheckNamed(const TlsOptions& options) {
  if (options.certificate.empty()) {
    return InvalidField(kCertificateOption, "", "is not a file; TLS needs a certificate");
  }
  if (options.key.empty()) {
    return InvalidField(kKeyOption, "", "is not a file; TLS needs the certificate's private key");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PemIdentity> ReadPemIdentity(const TlsOptions& options, absl::Time now) {
  DBN_RETURN_IF_ERROR(CheckNamed(options));
  PemIdentity identity;
  DBN_ASSIGN_OR_RETURN(identity.certificate, ReadPem(kCertificateOption, options.certificate));
  DBN_ASSIGN_OR_RETURN(identity.key, ReadPem(kKeyOption, options.key));
  DBN_ASSIGN_OR_RETURN(const std::vector<Owned<X509>> chain,
                       ParseCertificates(kCertificateOption, options.certificate, identity.certificate));
  DBN_ASSIGN_OR_RETURN(const Owned<EVP_PKEY> key, ParseKey(options.key, identity.key));
  DBN_RETURN_IF_ERROR(CheckUsable(options, chain.front().get(), key.get()));
  DBN_RETURN_IF_ERROR(CheckValidity(options.certificate, chain.front().get(), now));
  identity.expires = ToTime(X509_get0_notAfter(chain.front().get()));
  if (options.client_ca.empty()) return identity;
  DBN_ASSIGN_OR_RETURN(identity.client_ca, ReadPem(kClientCaOption, options.client_ca));
  DBN_RETURN_IF_ERROR(ParseCertificates(kClientCaOption, options.client_ca, identity.client_ca).status());
  return identity;
}

}  // namespace deepbindnet
