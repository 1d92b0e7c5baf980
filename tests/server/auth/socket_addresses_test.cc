#include "server/auth/socket_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deepbindnet {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;

TEST(SocketAddressesTest, NumericAddressesStay) {
  for (const std::string address : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:80", "[::]:0"}) {
    EXPECT_THAT(SocketAddresses(address), ElementsAre(address));
  }
}

TEST(SocketAddressesTest, ANameBecomesItsAddresses) {
  const std::vector<std::string> addresses = SocketAddresses("localhost:80");
  EXPECT_THAT(addresses, Contains("127.0.0.1:80"));
  EXPECT_THAT(addresses, Each(AnyOf("127.0.0.1:80", "[::1]:80")));
}

TEST(SocketAddressesTest, WhatCannotBeResolvedStays) {
  for (const std::string address : {"unix:/tmp/socket", "no port", "", ":80", "name.invalid:80"}) {
    EXPECT_THAT(SocketAddresses(address), ElementsAre(address));
  }
}

TEST(SocketAddressesTest, APortReplacesPortZeroOnly) {
  EXPECT_EQ(WithPort("127.0.0.1:0", 80), "127.0.0.1:80");
  EXPECT_EQ(WithPort("[::1]:0", 80), "[::1]:80");
  EXPECT_EQ(WithPort("127.0.0.1:0", 0), "127.0.0.1:0");
  EXPECT_EQ(WithPort("127.0.0.1:70", 80), "127.0.0.1:70");
}

}  // namespace
}  // namespace deepbindnet
