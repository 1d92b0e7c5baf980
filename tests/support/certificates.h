// Certificates made on the spot.
#ifndef DEEPBINDNET_TESTS_SUPPORT_CERTIFICATES_H_
#define DEEPBINDNET_TESTS_SUPPORT_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace deepbindnet {

struct Certificate {
  std::string certificate;  // PEM, as the next.
  std::string key;
};

using OwnedKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using OwnedX509 = std::unique_ptr<X509, decltype(&X509_free)>;

inline OwnedKey NewKey() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

template <typename Write>
std::string ToPem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

inline std::string ToPem(X509* x509) {
  return ToPem([x509](BIO* bio) { PEM_write_bio_X509(bio, x509); });
}

// With `pass_phrase`: encrypted.
inline std::string ToPem(EVP_PKEY* key, const char* pass_phrase = nullptr) {
  return ToPem([key, pass_phrase](BIO* bio) {
    PEM_write_bio_PKCS8PrivateKey(bio, key, pass_phrase == nullptr ? nullptr : EVP_aes_128_cbc(), nullptr, 0, nullptr,
                                  const_cast<char*>(pass_phrase));
  });
}

class Authority {
 public:
  explicit Authority(const std::string& name, const char* alternative_names = "IP:127.0.0.1,IP:::1")
      : key_(NewKey()), certificate_(nullptr, &X509_free) {
    certificate_ = Make(name, key_.get(), absl::Hours(-1), absl::Hours(1), "CA:TRUE", alternative_names);
  }

  std::string pem() const { return ToPem(certificate_.get()); }
  // Its own certificate, with the key.
  Certificate itself() const { return {pem(), ToPem(key_.get())}; }

  // For 127.0.0.1 and ::1, valid between these times from now.
  Certificate Issue(const std::string& name, absl::Duration from = absl::Hours(-1),
                    absl::Duration to = absl::Hours(24 * 90)) const {
    const OwnedKey key = NewKey();
    return {ToPem(Make(name, key.get(), from, to, "CA:FALSE").get()), ToPem(key.get())};
  }

  // For other names than this machine's, for example "DNS:gpu-box".
  Certificate IssueFor(const char* alternative_names) const {
    const OwnedKey key = NewKey();
    return {ToPem(Make("other", key.get(), absl::Hours(-1), absl::Hours(1), "CA:FALSE", alternative_names).get()),
            ToPem(key.get())};
  }

  // Of 512 bits.
  Certificate IssueWeak() const {
    const OwnedKey key(EVP_RSA_gen(512), &EVP_PKEY_free);
    return {ToPem(Make("weak", key.get(), absl::Hours(-1), absl::Hours(1), "CA:FALSE").get()), ToPem(key.get())};
  }

 private:
  // Signed by itself where there is no certificate of ours yet.
  OwnedX509 Make(const std::string& name, EVP_PKEY* key, absl::Duration from, absl::Duration to,
                 const char* basic_constraints, const char* alternative_names = "IP:127.0.0.1,IP:::1") const {
    static int serial = 0;
    OwnedX509 x509(X509_new(), &X509_free);
    X509_set_version(x509.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), absl::ToInt64Seconds(from));
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), absl::ToInt64Seconds(to));
    X509_set_pubkey(x509.get(), key);
    X509_NAME* const subject = X509_get_subject_name(x509.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(x509.get(), certificate_ == nullptr ? subject : X509_get_subject_name(certificate_.get()));
    for (const auto& [nid, value] :
         {std::pair(NID_subject_alt_name, alternative_names), {NID_basic_constraints, basic_constraints}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
      X509_add_ext(x509.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(x509.get(), key_.get(), EVP_sha256());
    return x509;
  }

  const OwnedKey key_;
  OwnedX509 certificate_;
};

// Its own authority, for these names, for example "DNS:gpu-box".
inline Certificate SelfSigned(const char* alternative_names) { return Authority("self", alternative_names).itself(); }

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SUPPORT_CERTIFICATES_H_
