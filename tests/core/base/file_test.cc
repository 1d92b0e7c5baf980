#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FileTest, ReadsBackWhatItWrote) {
  const TempDir dir;
  const std::string contents("a\0b\n", 4);
  ASSERT_TRUE(WriteFileAtomically(dir / "x", contents).ok());
  EXPECT_EQ(ReadFile(dir / "x").value(), contents);
}

TEST(FileTest, ReadsMoreThanOneBlock) {
  const TempDir dir;
  std::string contents;
  for (int i = 0; contents.size() < (3u << 20); ++i) contents += std::to_string(i);
  dir.Write("big", contents);
  EXPECT_EQ(ReadFile(dir / "big").value(), contents);
}

TEST(FileTest, ReadOfAMissingFileIsNotFoundAndNamesIt) {
  const TempDir dir;
  const absl::Status status = ReadFile(dir / "missing").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir / "missing"));
}

TEST(FileTest, WriteReplacesTheFileAndLeavesNothingElse) {
  const TempDir dir;
  ASSERT_TRUE(WriteFileAtomically(dir / "x", "old and longer").ok());
  ASSERT_TRUE(WriteFileAtomically(dir / "x", "new").ok());
  EXPECT_EQ(ReadFile(dir / "x").value(), "new");
  EXPECT_THAT(dir.Names(), ElementsAre("x"));
}

TEST(FileTest, TheModeIsWhatTheUmaskLeaves) {
  const TempDir dir;
  for (const mode_t mask : {mode_t{022}, mode_t{077}, mode_t{002}}) {
    const mode_t before = umask(mask);
    const absl::Status written = WriteFileAtomically(dir / "x", "x");
    umask(before);
    ASSERT_TRUE(written.ok()) << written;
    const auto permissions = static_cast<unsigned>(std::filesystem::status(dir / "x").permissions());
    EXPECT_EQ(permissions, 0666u & ~mask);
  }
}

TEST(FileTest, ARewrittenFileKeepsItsModeAndANewOneIsPrivate) {
  const TempDir dir;
  const auto mode = [&dir] { return static_cast<unsigned>(std::filesystem::status(dir / "x").permissions()); };
  const mode_t before = umask(0277);
  const absl::Status written = RewriteFileAtomically(dir / "x", "old");
  umask(before);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(mode(), 0600u);
  ASSERT_EQ(chmod((dir / "x").c_str(), 0640), 0);
  ASSERT_TRUE(RewriteFileAtomically(dir / "x", "new").ok());
  EXPECT_EQ(mode(), 0640u);
  EXPECT_EQ(ReadFile(dir / "x").value(), "new");
  EXPECT_THAT(dir.Names(), ElementsAre("x"));
}

TEST(FileTest, ARewrittenFileKeepsItsOwner) {
  const bool gives_away = geteuid() == 0;  // Only root can; a file of another user's stays this one's.
  const uid_t user = gives_away ? 12 : geteuid();
  const gid_t group = gives_away ? 34 : getegid();
  const TempDir dir;
  ASSERT_TRUE(RewriteFileAtomically(dir / "x", "old").ok());
  ASSERT_EQ(chown((dir / "x").c_str(), user, group), 0);
  ASSERT_TRUE(RewriteFileAtomically(dir / "x", "new").ok());
  struct stat found {};
  ASSERT_EQ(stat((dir / "x").c_str(), &found), 0);
  EXPECT_EQ(found.st_uid, user);
  EXPECT_EQ(found.st_gid, group);
}

TEST(FileTest, WriteThatCannotRenameLeavesTheOldState) {
  const TempDir dir;
  ASSERT_TRUE(MakeDirectories(dir / "taken").ok());
  EXPECT_FALSE(WriteFileAtomically(dir / "taken", "x").ok());
  EXPECT_THAT(dir.Names(), ElementsAre("taken"));
}

TEST(FileTest, WriteIntoAMissingDirectoryIsNotFound) {
  const TempDir dir;
  const absl::Status status = WriteFileAtomically(dir / "missing/x", "x");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing/x"));
}

TEST(FileTest, MakeDirectoriesMakesParentsAndAcceptsThatTheyExist) {
  const TempDir dir;
  EXPECT_TRUE(MakeDirectories(dir / "a/b/c").ok());
  EXPECT_TRUE(MakeDirectories(dir / "a/b/c").ok());
  EXPECT_TRUE(std::filesystem::is_directory(dir / "a/b/c"));
}

TEST(FileTest, MakeDirectoriesBelowAFileFailsAndNamesTheFile) {
  const TempDir dir;
  dir.Write("file", "x");
  const absl::Status status = MakeDirectories(dir / "file/sub");
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir / "file"));
}

TEST(FileTest, WhatKilledWritersLeftIsRemovedAndNothingElse) {
  const TempDir dir;
  dir.Write("latest.pt", "x");
  dir.Write("latest.pt.0123abcd.unfinished", "x");
  dir.Write("notes.tmp", "x");
  RemoveUnfinishedFiles(dir.path());
  EXPECT_THAT(dir.Names(), ElementsAre("latest.pt", "notes.tmp"));
  RemoveUnfinishedFiles(dir / "missing");
}

TEST(FileTest, Sha256IsThePublishedOne) {
  // FIPS 180-2, appendix B.1.
  const std::string expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(Sha256Hex("abc"), expected);
  const TempDir dir;
  EXPECT_EQ(Sha256HexOfFile(dir.Write("abc", "abc")).value(), expected);
  EXPECT_EQ(Sha256HexOfFile(dir / "missing").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace deepbindnet
