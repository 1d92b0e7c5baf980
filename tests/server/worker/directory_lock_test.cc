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
  auto first = LockDirectory(directory_ / "made/too");
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = LockDirectory(directory_ / "made/too");
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetReason(second.status()), "DIRECTORY_IN_USE");
  first->Close();
  EXPECT_TRUE(LockDirectory(directory_ / "made/too").ok());
}

TEST_F(DirectoryLockTest, FileInThePlaceOfTheDirectoryIsAnError) {
  const auto lock = LockDirectory("/dev/null/x");
  EXPECT_FALSE(lock.ok());
  EXPECT_THAT(std::string(lock.status().message()), testing::HasSubstr("/dev/null"));
}

}  // namespace
}  // namespace deepbindnet
