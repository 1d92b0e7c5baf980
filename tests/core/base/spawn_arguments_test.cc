#include "core/base/spawn_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace deepbindnet {
namespace {

using ::testing::Contains;
using ::testing::Not;

TEST(EnvironmentWithTest, ReplacesAndAdds) {
  setenv("DEEPBINDNET_TEST_OLD", "old", 1);
  setenv("DEEPBINDNET_TEST_OLDER", "kept", 1);
  const std::vector<std::string> environment =
      EnvironmentWith({{"DEEPBINDNET_TEST_OLD", "new"}, {"DEEPBINDNET_TEST_EMPTY", ""}});
  EXPECT_THAT(environment, Contains("DEEPBINDNET_TEST_OLD=new"));
  EXPECT_THAT(environment, Contains("DEEPBINDNET_TEST_OLDER=kept"));
  EXPECT_THAT(environment, Contains("DEEPBINDNET_TEST_EMPTY="));
  EXPECT_THAT(environment, Not(Contains("DEEPBINDNET_TEST_OLD=old")));
}

TEST(NullTerminatedTest, PointsToEachAndEndsWithNull) {
  std::vector<std::string> words = {"a", "bc"};
  const std::vector<char*> pointers = NullTerminated(&words);
  ASSERT_EQ(pointers.size(), 3);
  EXPECT_STREQ(pointers[0], "a");
  EXPECT_STREQ(pointers[1], "bc");
  EXPECT_EQ(pointers[2], nullptr);
}

}  // namespace
}  // namespace deepbindnet
