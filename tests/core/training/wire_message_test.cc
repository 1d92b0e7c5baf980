#include "core/training/wire_message.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace deepbindnet {
namespace {

std::string Hex(const WireMessage& message) { return absl::BytesToHexString(message.bytes()); }

// The examples of Protocol Buffers' own specification of the encoding.
TEST(WireMessageTest, EqualsTheSpecificationsExamples) {
  EXPECT_EQ(Hex(WireMessage().Integer(1, 150)), "089601");
  EXPECT_EQ(Hex(WireMessage().Bytes(2, "testing")), "120774657374696e67");
  EXPECT_EQ(Hex(WireMessage().Message(3, WireMessage().Integer(1, 150))), "1a03089601");
  EXPECT_EQ(Hex(WireMessage().Integer(2, -2)), "10feffffffffffffffff01");
}

TEST(WireMessageTest, IntegersTakeAsManyBytesAsTheyNeed) {
  EXPECT_EQ(Hex(WireMessage().Integer(1, 0)), "0800");
  EXPECT_EQ(Hex(WireMessage().Integer(1, 127)), "087f");
  EXPECT_EQ(Hex(WireMessage().Integer(1, 128)), "088001");
  EXPECT_EQ(Hex(WireMessage().Integer(16, 1)), "800101") << "a field's number, too";
}

TEST(WireMessageTest, FloatingPointNumbersAreFixed) {
  EXPECT_EQ(Hex(WireMessage().Double(1, 1.0)), "09000000000000f03f");
  EXPECT_EQ(Hex(WireMessage().Float(2, -2.0F)), "15000000c0");
  EXPECT_EQ(Hex(WireMessage().Doubles(6, {1.0, 0.5})), "3210000000000000f03f000000000000e03f");
  EXPECT_EQ(Hex(WireMessage().Floats(5, {1.0F})), "2a040000803f");
  EXPECT_EQ(Hex(WireMessage().Doubles(6, {})), "3200");
}

TEST(WireMessageTest, FieldsFollowEachOther) {
  EXPECT_EQ(Hex(WireMessage().Integer(1, 1).Bytes(2, "").Integer(1, 2)), "080112000802");
}

}  // namespace
}  // namespace deepbindnet
