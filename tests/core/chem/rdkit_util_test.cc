#include "core/chem/rdkit_util.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

TEST(CatchRdkitTest, ExceptionsAreAboutTheSmiles) {
  const auto caught = CatchRdkit("C1", []() -> absl::StatusOr<int> { throw std::runtime_error("no ring"); });
  EXPECT_THAT(caught, IsError(absl::StatusCode::kInvalidArgument, "INVALID_SMILES", "SMILES 'C1' no ring"));
}

TEST(CatchRdkitTest, WantOfMemoryIsNoFaultOfTheSmiles) {
  const auto caught = CatchRdkit("CCO", []() -> absl::StatusOr<int> { throw std::bad_alloc(); });
  EXPECT_THAT(caught, IsError(absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", "out of memory"));
}

}  // namespace
}  // namespace deepbindnet
