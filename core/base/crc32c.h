// CRC-32C (Castagnoli), the checksum of TFRecord files.
#ifndef DEEPBINDNET_CORE_BASE_CRC32C_H_
#define DEEPBINDNET_CORE_BASE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// As in RFC 3720: of "123456789" 0xe3069283. Thread-safe.
uint32_t Crc32c(absl::string_view bytes);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_CRC32C_H_
