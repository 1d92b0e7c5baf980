// Status as tests like to see it.
#ifndef DEEPBINDNET_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define DEEPBINDNET_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/status.h"

namespace deepbindnet {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename Value>
const absl::Status& StatusOf(const absl::StatusOr<Value>& value) {
  return value.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return arg.ok();
}

// A status or StatusOr with this code, this reason and a message that contains `text`.
MATCHER_P3(IsError, code, reason, text, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString() << " with reason " << GetReason(status);
  return status.code() == code && GetReason(status) == reason &&
         std::string(status.message()).find(text) != std::string::npos;
}

}  // namespace deepbindnet

// ASSERT_OK_AND_ASSIGN(auto x, MakeX());
#define DBN_TEST_CONCAT_INNER(a, b) a##b
#define DBN_TEST_CONCAT(a, b) DBN_TEST_CONCAT_INNER(a, b)
#define ASSERT_OK_AND_ASSIGN(target, expression) \
  ASSERT_OK_AND_ASSIGN_INNER(DBN_TEST_CONCAT(dbn_test_or_, __LINE__), target, expression)
#define ASSERT_OK_AND_ASSIGN_INNER(result, target, expression) \
  auto result = (expression);                                  \
  ASSERT_THAT(result.status(), ::deepbindnet::IsOk());         \
  target = std::move(result).value()

#endif  // DEEPBINDNET_TESTS_SUPPORT_STATUS_MATCHERS_H_
