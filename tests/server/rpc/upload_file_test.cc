#include "server/rpc/upload_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "core/base/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class UploadFileTest : public ::testing::Test {
 protected:
  int FilesLeft() const {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(uploads_)) ++count;
    return count;
  }

  TempDir dir_;
  const std::string uploads_ = dir_ / "uploads";
};

TEST_F(UploadFileTest, CommittedFileHoldsWhatCame) {
  ASSERT_OK_AND_ASSIGN(auto file, UploadFile::Create(uploads_, 6));
  ASSERT_THAT(file->Append("abc"), IsOk());
  ASSERT_THAT(file->Append("def"), IsOk());
  EXPECT_TRUE(absl::EndsWith(file->path(), ".part"));
  ASSERT_THAT(file->Commit(Sha256Hex("abcdef")), IsOk());
  EXPECT_FALSE(absl::EndsWith(file->path(), ".part"));
  ASSERT_OK_AND_ASSIGN(const std::string contents, ReadFile(file->path()));
  EXPECT_EQ(contents, "abcdef");
  file->Release();
  file.reset();
  EXPECT_EQ(FilesLeft(), 1);
}

TEST_F(UploadFileTest, WrongDigestLeavesNothing) {
  ASSERT_OK_AND_ASSIGN(auto file, UploadFile::Create(uploads_, 3));
  ASSERT_THAT(file->Append("abc"), IsOk());
  EXPECT_THAT(file->Commit(Sha256Hex("abd")), IsError(kInvalid, "INVALID_FIELD", "header.sha256: "));
  file.reset();
  EXPECT_EQ(FilesLeft(), 0);
}

TEST_F(UploadFileTest, TooFewBytesAreAnError) {
  ASSERT_OK_AND_ASSIGN(auto file, UploadFile::Create(uploads_, 4));
  ASSERT_THAT(file->Append("abc"), IsOk());
  EXPECT_THAT(file->Commit(Sha256Hex("abc")), IsError(kInvalid, "INVALID_FIELD", "what was sent (3 bytes)"));
}

TEST_F(UploadFileTest, TooManyBytesAreAnErrorAtOnce) {
  ASSERT_OK_AND_ASSIGN(auto file, UploadFile::Create(uploads_, 4));
  EXPECT_THAT(file->Append("abcde"), IsError(kInvalid, "INVALID_FIELD", "header.size_bytes: 4 is less"));
}

TEST_F(UploadFileTest, CommittedButNotReleasedFileGoesToo) {
  ASSERT_OK_AND_ASSIGN(auto file, UploadFile::Create(uploads_, 3));
  ASSERT_THAT(file->Append("abc"), IsOk());
  ASSERT_THAT(file->Commit(Sha256Hex("abc")), IsOk());
  file.reset();
  EXPECT_EQ(FilesLeft(), 0);
}

}  // namespace
}  // namespace deepbindnet
