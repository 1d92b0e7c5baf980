#include "core/base/little_endian.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace deepbindnet {
namespace {

template <typename Value>
std::string Bytes(Value value) {
  std::string bytes;
  AppendLittleEndian(value, &bytes);
  return bytes;
}

TEST(LittleEndianTest, TheLeastByteComesFirst) {
  EXPECT_EQ(Bytes(uint32_t{0x01020304}), "\x04\x03\x02\x01");
  EXPECT_EQ(Bytes(uint64_t{0x0102030405060708}), "\x08\x07\x06\x05\x04\x03\x02\x01");
  EXPECT_EQ(Bytes(-2.0F), std::string("\0\0\0\xC0", 4));
  EXPECT_EQ(Bytes(1.0), std::string("\0\0\0\0\0\0\xF0\x3F", 8));
}

TEST(LittleEndianTest, RoundTrips) {
  for (const double value : {0.0, -1.5, 1e300, std::numeric_limits<double>::denorm_min()}) {
    EXPECT_EQ(ReadLittleEndian<double>(Bytes(value)), value);
  }
  EXPECT_EQ(ReadLittleEndian<uint64_t>(Bytes(~uint64_t{0}) + "more"), ~uint64_t{0});
  EXPECT_EQ(ReadLittleEndian<uint32_t>(Bytes(uint32_t{0x80ff0001})), 0x80ff0001U);
}

}  // namespace
}  // namespace deepbindnet
