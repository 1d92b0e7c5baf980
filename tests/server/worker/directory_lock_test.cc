#include "server/worker/directory_lock.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

class DirectoryLockTest : public testing::Test {
 protected:
  const TempDir directory_;
};

TEST_F(DirectoryLockTest, OneHolderAtATime) {
  auto first = DirectoryLock::Acquire(directory_ / "made/too", absl::ZeroDuration());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = DirectoryLock::Acquire(directory_ / "made/too", absl::ZeroDuration());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetReason(second.status()), "DIRECTORY_IN_USE");
  first->reset();
  EXPECT_TRUE(DirectoryLock::Acquire(directory_ / "made/too", absl::ZeroDuration()).ok());
}

TEST_F(DirectoryLockTest, FileInThePlaceOfTheDirectoryIsAnError) {
  const auto lock = DirectoryLock::Acquire("/dev/null/x", absl::ZeroDuration());
  EXPECT_FALSE(lock.ok());
  EXPECT_THAT(std::string(lock.status().message()), testing::HasSubstr("/dev/null/x"));
}

}  // namespace
}  // namespace deepbindnet
