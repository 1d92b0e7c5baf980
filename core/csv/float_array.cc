#include "core/csv/float_array.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/base/little_endian.h"

namespace deepbindnet {
namespace {

template <typename Float, typename Bits>
Float FromBits(Bits bits) {
  static_assert(sizeof(Float) == sizeof(Bits));
  Float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// 1 bit of sign, 5 of exponent, 10 of fraction.
float FromHalf(uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 0x1F);
  const auto fraction = static_cast<float>(bits & 0x3FF);
  float size = std::ldexp(exponent == 0 ? fraction : fraction + 1024.0F, (exponent == 0 ? 1 : exponent) - 25);
  if (exponent == 0x1F) {
    size = fraction == 0.0F ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  }
  return (bits & 0x8000) != 0 ? -size : size;
}

}  // namespace

size_t FloatBytes(FloatType type) {
  switch (type) {
    case FloatType::kFloat16:
    case FloatType::kBFloat16:
      return 2;
    case FloatType::kFloat32:
      return 4;
    case FloatType::kFloat64:
      break;
  }
  return 8;
}

float ReadFloat(absl::string_view bytes, FloatType type) {
  const uint64_t bits = LittleEndian(bytes, FloatBytes(type));
  switch (type) {
    case FloatType::kFloat16:
      return FromHalf(static_cast<uint32_t>(bits));
    case FloatType::kBFloat16:
      return FromBits<float>(static_cast<uint32_t>(bits) << 16);
    case FloatType::kFloat32:
      return FromBits<float>(static_cast<uint32_t>(bits));
    case FloatType::kFloat64:
      break;
  }
  return static_cast<float>(FromBits<double>(bits));
}

}  // namespace deepbindnet
