#include "core/base/exceptions.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

TEST(CatchAllTest, ExceptionBecomesAStatus) {
  EXPECT_THAT(CatchAll([]() -> absl::Status { throw std::runtime_error("first line\nbacktrace"); }),
              IsError(absl::StatusCode::kInternal, "INTERNAL", "first line"));
  EXPECT_THAT(CatchAll([]() -> absl::Status { throw std::bad_alloc(); }),
              IsError(absl::StatusCode::kResourceExhausted, "OUT_OF_MEMORY", "out of memory"));
  EXPECT_THAT(CatchAll([]() -> absl::StatusOr<int> { throw 7; }),
              IsError(absl::StatusCode::kInternal, "INTERNAL", "unknown exception"));
  EXPECT_EQ(FromException(std::runtime_error("first line\nbacktrace")).message(), "first line");
}

}  // namespace
}  // namespace deepbindnet
