#include "core/csv/float_array.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>

namespace deepbindnet {
namespace {

float Read(uint64_t bits, FloatType type) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(bits >> (8 * i)));
  return ReadFloat(bytes.substr(0, FloatBytes(type)), type);
}

TEST(ReadFloatTest, ReadsEveryKindOfHalf) {
  EXPECT_EQ(Read(0x3C00, FloatType::kFloat16), 1.0F);
  EXPECT_EQ(Read(0xC500, FloatType::kFloat16), -5.0F);
  EXPECT_EQ(Read(0x7BFF, FloatType::kFloat16), 65504.0F);
  EXPECT_EQ(Read(0x0400, FloatType::kFloat16), std::ldexp(1.0F, -14));  // The smallest normal number.
  EXPECT_EQ(Read(0x0001, FloatType::kFloat16), std::ldexp(1.0F, -24));  // The smallest of all.
  EXPECT_EQ(Read(0x8000, FloatType::kFloat16), 0.0F);
  EXPECT_TRUE(std::signbit(Read(0x8000, FloatType::kFloat16)));
  EXPECT_EQ(Read(0xFC00, FloatType::kFloat16), -INFINITY);
  EXPECT_TRUE(std::isnan(Read(0x7E00, FloatType::kFloat16)));
}

TEST(ReadFloatTest, ReadsTheOtherTypes) {
  EXPECT_EQ(Read(0xC0A0, FloatType::kBFloat16), -5.0F);
  EXPECT_EQ(Read(0x3FC00000, FloatType::kFloat32), 1.5F);
  EXPECT_EQ(Read(0x3FF8000000000000, FloatType::kFloat64), 1.5F);
  EXPECT_EQ(Read(0x3FB999999999999A, FloatType::kFloat64), 0.1F);  // Rounded.
}

}  // namespace
}  // namespace deepbindnet
