// Messages that cannot be converted.
#ifndef DEEPBINDNET_TESTS_SERVER_CONVERT_EXPECT_INVALID_H_
#define DEEPBINDNET_TESTS_SERVER_CONVERT_EXPECT_INVALID_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/convert/convert.h"

namespace deepbindnet {

template <typename Message>
void ExpectInvalid(const Message& proto, const std::string& field, const std::string& message) {
  const absl::Status status = FromProto(proto).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(GetErrorMetadata(status)["field"], field);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(message));
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_CONVERT_EXPECT_INVALID_H_
