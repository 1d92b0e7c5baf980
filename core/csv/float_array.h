// Arrays of floating-point numbers as files hold them.
#ifndef DEEPBINDNET_CORE_CSV_FLOAT_ARRAY_H_
#define DEEPBINDNET_CORE_CSV_FLOAT_ARRAY_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace deepbindnet {

enum class FloatType { kFloat16, kBFloat16, kFloat32, kFloat64 };

size_t FloatBytes(FloatType type);

// The number in the first FloatBytes(type) bytes of `bytes`, little-endian, rounded to float32.
float ReadFloat(absl::string_view bytes, FloatType type);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_FLOAT_ARRAY_H_
