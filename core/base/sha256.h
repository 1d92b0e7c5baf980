// SHA-256 of bytes that come in pieces.
#ifndef DEEPBINDNET_CORE_BASE_SHA256_H_
#define DEEPBINDNET_CORE_BASE_SHA256_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// Not thread-safe.
class Sha256 {
 public:
  Sha256();
  void Update(absl::string_view bytes);
  // 64 lower-case hex digits. Call once, last.
  std::string Hex();

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_SHA256_H_
