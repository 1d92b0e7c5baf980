#include "core/base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace deepbindnet {
namespace {

// RFC 3720, B.4.
TEST(Crc32cTest, EqualsThePublishedValues) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string ascending;
  for (char byte = 0; byte < 32; ++byte) ascending.push_back(byte);
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eU);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST(Crc32cTest, EveryBitCounts) {
  const std::string text = "a record of an event file";
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(Crc32c(changed), Crc32c(text)) << bit;
  }
}

}  // namespace
}  // namespace deepbindnet
