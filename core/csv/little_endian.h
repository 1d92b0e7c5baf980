// Numbers as their bytes stand in files, the least significant first.
#ifndef DEEPBINDNET_CORE_CSV_LITTLE_ENDIAN_H_
#define DEEPBINDNET_CORE_CSV_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// The unsigned number in the first `size` bytes of `bytes`, which has as many; `size` is at most 8.
inline uint64_t LittleEndian(absl::string_view bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_LITTLE_ENDIAN_H_
