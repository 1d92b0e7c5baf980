#include "core/csv/stored_zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/base/file.h"
#include "tests/core/csv/python_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class StoredZipTest : public ::testing::Test {
 protected:
  // What Python's zipfile writes of `statements` on an archive `z`.
  std::string Archive(const std::string& statements, const std::string& options = "") const {
    return ReadFile(
               WriteWithPython(directory_, "x.zip",
                               "import zipfile\nwith zipfile.ZipFile(path, 'w'" + options + ") as z:\n  " + statements))
        .value();
  }
  static void ExpectRefused(const std::string& archive, const std::string& message) {
    EXPECT_THAT(ReadStoredZip(archive), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", message));
  }

  const TempDir directory_;
};

TEST_F(StoredZipTest, FindsEveryMember) {
  const std::string archive = Archive("z.writestr('a/one', b'first'); z.writestr('two', b'')");
  ASSERT_OK_AND_ASSIGN(const ZipMembers members, ReadStoredZip(archive));
  EXPECT_THAT(members, ElementsAre(Pair("a/one", "first"), Pair("two", "")));
}

TEST_F(StoredZipTest, ACommentAtTheEndDoesNotMatter) {
  const std::string archive = Archive("z.writestr('a', b'1'); z.comment = b'of some length'");
  ASSERT_OK_AND_ASSIGN(const ZipMembers members, ReadStoredZip(archive));
  EXPECT_THAT(members, ElementsAre(Pair("a", "1")));
}

TEST_F(StoredZipTest, ReadsTheZip64OfPyTorch) {
  // PyTorch writes its directory as zip64, whatever the size.
  const std::string archive =
      ReadFile(WriteWithPython(directory_, "x.pt", "torch.save({'a': torch.ones(2)}, path)")).value();
  ASSERT_OK_AND_ASSIGN(const ZipMembers members, ReadStoredZip(archive));
  bool has_pickle = false;
  for (const auto& [name, bytes] : members) has_pickle |= name.find("/data.pkl") != std::string::npos && !bytes.empty();
  EXPECT_TRUE(has_pickle);
}

TEST_F(StoredZipTest, CompressedMembersAreRefused) {
  ExpectRefused(Archive("z.writestr('bomb', bytes(1 << 20))", ", compression=zipfile.ZIP_DEFLATED"),
                "its member 'bomb' is compressed or encrypted");
}

TEST_F(StoredZipTest, AChangedByteIsNoticed) {
  std::string archive = Archive("z.writestr('a', b'contents')");
  archive[archive.find("contents")] = 'C';
  ExpectRefused(archive, "its member 'a' has another CRC-32");
}

TEST_F(StoredZipTest, TwoMembersOfOneNameAreRefused) {
  ExpectRefused(Archive("z.writestr('a', b'1'); z.writestr('a', b'2')"), "two members have one name");
}

TEST_F(StoredZipTest, WhatIsNoWholeArchiveIsRefused) {
  ExpectRefused("", "it is too short");
  ExpectRefused(std::string(100, 'x'), "its end has no directory");
  const std::string archive = Archive("z.writestr('a', b'contents')");
  for (size_t size = 0; size < archive.size(); ++size) {
    ExpectRefused(archive.substr(0, size), "is no whole zip archive");
  }
  // Without its first half, every offset is wrong.
  ExpectRefused(archive.substr(archive.size() / 2), "is no whole zip archive");
}

TEST_F(StoredZipTest, ForgedNumbersAreRefused) {
  const std::string archive = Archive("z.writestr('a', b'contents')");
  const size_t entry = archive.find("PK\x01\x02"), end = archive.find("PK\x05\x06");
  for (const size_t at : {entry + 20, entry + 24, entry + 28, entry + 42, end + 10, end + 16}) {
    std::string forged = archive;
    forged[at] = '\x7F';
    forged[at + 1] = '\x7F';
    ExpectRefused(forged, "is no whole zip archive");
  }
}

}  // namespace
}  // namespace deepbindnet
