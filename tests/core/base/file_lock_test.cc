#include "core/base/file_lock.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

TEST(TryLockFileTest, OneHolderAtATime) {
  const TempDir dir;
  auto first = TryLockFile(dir / "lock").value();
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(TryLockFile(dir / "lock").value().has_value());
  first->Close();
  EXPECT_TRUE(TryLockFile(dir / "lock").value().has_value());
}

TEST(TryLockFileTest, AFileThatCannotBeMadeIsAnErrorThatNamesIt) {
  const TempDir dir;
  EXPECT_THAT(TryLockFile(dir / "missing/lock").status(),
              IsError(absl::StatusCode::kNotFound, "NOT_FOUND", "missing/lock"));
}

}  // namespace
}  // namespace deepbindnet
