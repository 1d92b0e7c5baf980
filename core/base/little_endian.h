// Numbers as files have them: least significant byte first, whatever the machine.
#ifndef DEEPBINDNET_CORE_BASE_LITTLE_ENDIAN_H_
#define DEEPBINDNET_CORE_BASE_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace deepbindnet {

// An unsigned integer as wide as Value.
template <typename Value>
using BitsOf = std::conditional_t<sizeof(Value) == 8, uint64_t, uint32_t>;

// Appends the 4 or 8 bytes of an integer or a floating-point number.
template <typename Value>
void AppendLittleEndian(Value value, std::string* bytes) {
  static_assert(sizeof(Value) == 4 || sizeof(Value) == 8);
  BitsOf<Value> bits;
  std::memcpy(&bits, &value, sizeof value);
  for (size_t i = 0; i < sizeof value; ++i) bytes->push_back(static_cast<char>(bits >> 8 * i & 0xff));
}

// The unsigned number in the first `size` bytes of `bytes`, which has as many; `size` is at most 8.
inline uint64_t LittleEndian(absl::string_view bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<uint8_t>(bytes[i])} << 8 * i;
  return value;
}

// What AppendLittleEndian() wrote; `bytes` has sizeof(Value) or more.
template <typename Value>
Value ReadLittleEndian(absl::string_view bytes) {
  static_assert(sizeof(Value) == 4 || sizeof(Value) == 8);
  const auto bits = static_cast<BitsOf<Value>>(LittleEndian(bytes, sizeof(Value)));
  Value value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_LITTLE_ENDIAN_H_
