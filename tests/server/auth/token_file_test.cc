#include "server/auth/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const char kHashA[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const char kHashB[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

TokenEntry Entry(const std::string& name, v1::Role role = v1::VIEWER) { return {name, role, HashToken(name), {}}; }

std::vector<std::string> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  const auto entries = ReadTokens(path);
  EXPECT_THAT(entries, IsOk());
  if (entries.ok()) {
    for (const TokenEntry& entry : *entries) names.push_back(entry.name);
  }
  return names;
}

TEST(TokenFileTest, ReadsEntriesCommentsAndBlankLines) {
  const std::string text =
      absl::StrCat("# all\n\nalice submitter ", kHashA, "\t2031-02-03 # laptop\r\n  b.o_b-2  admin ", kHashB);
  ASSERT_OK_AND_ASSIGN(const std::vector<TokenEntry> entries, ParseTokens(text, "f"));
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].name, "alice");
  EXPECT_EQ(entries[0].role, v1::SUBMITTER);
  EXPECT_EQ(entries[0].sha256, kHashA);
  EXPECT_EQ(entries[0].expires, absl::CivilDay(2031, 2, 3));
  EXPECT_EQ(entries[1].name, "b.o_b-2");
  EXPECT_EQ(entries[1].role, v1::ADMIN);
  EXPECT_EQ(entries[1].expires, std::nullopt);
}

TEST(TokenFileTest, AnEmptyFileHasNoEntries) {
  ASSERT_OK_AND_ASSIGN(const std::vector<TokenEntry> entries, ParseTokens("", "f"));
  EXPECT_THAT(entries, IsEmpty());
}

TEST(TokenFileTest, FormatsWhatItParses) {
  for (const std::string& line :
       {absl::StrCat("alice submitter ", kHashA, " 2031-02-03"), absl::StrCat("x viewer ", kHashB)}) {
    ASSERT_OK_AND_ASSIGN(const std::vector<TokenEntry> entries, ParseTokens(line, "f"));
    EXPECT_EQ(FormatToken(entries.at(0)), line);
  }
}

void ExpectInvalid(const std::string& text, const std::string& message) {
  EXPECT_THAT(ParseTokens(text, "f"), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", message)) << text;
}

TEST(TokenFileTest, ErrorsNameLineFieldValueAndRemedy) {
  const std::string good = absl::StrCat("alice viewer ", kHashA, "\n");
  ExpectInvalid(good + "bob viewer", "f:2: line: of 2 words is no token; write NAME ROLE SHA256 [EXPIRES]");
  ExpectInvalid(absl::StrCat("bob viewer ", kHashB, " 2031-01-01 more"), "f:1: line: of 5 words is no token");
  ExpectInvalid(absl::StrCat("\n-bob viewer ", kHashB), "f:2: name: -bob is not a name; give 1 to 64 letters");
  ExpectInvalid(absl::StrCat(std::string(65, 'n'), " viewer ", kHashB), "is not a name");
  ExpectInvalid(absl::StrCat("bob boss ", kHashB), "f:1: role: boss is no role; give viewer, submitter or admin");
  ExpectInvalid("bob viewer abc", "f:1: sha256: of 3 characters is no SHA-256 in 64 lower-case hex digits");
  ExpectInvalid(absl::StrCat("bob viewer ", std::string(64, 'A')), "f:1: sha256: of 64 characters is no SHA-256");
  ExpectInvalid(absl::StrCat("bob viewer ", kHashB, " tomorrow"),
                "f:1: expires: tomorrow is not a day; give YYYY-MM-DD");
  ExpectInvalid(good + absl::StrCat("alice admin ", kHashB), "f:2: name: alice is also the name in line 1");
  ExpectInvalid(good + absl::StrCat("bob admin ", kHashA), "f:2: sha256: of bob is also in line 1");
}

TEST(TokenFileTest, ErrorsDoNotShowATokenThatStandsWhereItsHashShould) {
  ASSERT_OK_AND_ASSIGN(const std::string token, NewToken());
  for (const std::string& line :
       {absl::StrCat("bob viewer ", token), absl::StrCat("bob ", token, " viewer"), absl::StrCat(token, "/ bob viewer"),
        absl::StrCat("bob viewer ", kHashA, " ", token), absl::StrCat("bob ", token)}) {
    const absl::Status status = ParseTokens(line, "f").status();
    EXPECT_FALSE(status.ok()) << line;
    EXPECT_THAT(status.ToString(), Not(HasSubstr(token)));
  }
}

TEST(TokenFileTest, ADayIsExactlyYearMonthAndDay) {
  ASSERT_OK_AND_ASSIGN(const absl::CivilDay day, ParseExpiry("--expires", "2028-02-29"));
  EXPECT_EQ(day, absl::CivilDay(2028, 2, 29));
  for (const char* text :
       {"", "2027-02-29", "2027-2-3", "27-02-03", "2027-02-03T00:00:00", " 2027-02-3", "2027/02/03"}) {
    EXPECT_THAT(ParseExpiry("--expires", text),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "--expires: "));
  }
}

TEST(TokenFileTest, ExpiresAtTheBeginningOfItsDayInUtc) {
  TokenEntry entry = Entry("alice");
  EXPECT_FALSE(IsExpired(entry, absl::InfiniteFuture()));
  entry.expires = absl::CivilDay(2030, 1, 2);
  const absl::Time midnight = absl::FromCivil(absl::CivilDay(2030, 1, 2), absl::UTCTimeZone());
  EXPECT_FALSE(IsExpired(entry, midnight - absl::Nanoseconds(1)));
  EXPECT_TRUE(IsExpired(entry, midnight));
}

TEST(TokenFileTest, TokensAreLongRandomAndOfTheirAlphabet) {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const std::string token, NewToken());
    EXPECT_THAT(token, testing::MatchesRegex("dbn_[A-Za-z0-9_-]*"));
    EXPECT_THAT(token, SizeIs(4 + 43));
    tokens.insert(token);
  }
  EXPECT_THAT(tokens, SizeIs(100));
}

TEST(TokenFileTest, HashesWithSha256) {
  EXPECT_EQ(HashToken("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TokenFileTest, ReadOfAMissingFileSaysHowToMakeIt) {
  const TempDir dir;
  EXPECT_THAT(ReadTokens(dir / "tokens"), IsError(absl::StatusCode::kNotFound, "NO_TOKENS_FILE",
                                                  "deepbindnet-server tokens add --tokens-file " + dir.path()));
}

TEST(TokenFileTest, RefusesAFileThatOthersMayWrite) {
  const TempDir dir;
  const std::string path = dir.Write("tokens", "");
  for (const mode_t mode : {0620, 0602, 0666}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_THAT(ReadTokens(path),
                IsError(absl::StatusCode::kFailedPrecondition, "TOKENS_FILE_WRITABLE", "chmod go-w " + path));
    EXPECT_THAT(AddToken(path, Entry("alice")),
                IsError(absl::StatusCode::kFailedPrecondition, "TOKENS_FILE_WRITABLE", ""));
  }
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_THAT(ReadTokens(path), IsOk());
}

TEST(TokenFileTest, AddMakesAFileForItsOwnerAlone) {
  const TempDir dir;
  ASSERT_THAT(AddToken(dir / "tokens", Entry("alice")), IsOk());
  EXPECT_THAT(NamesIn(dir / "tokens"), ElementsAre("alice"));
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(dir / "tokens").permissions()), 0600u);
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("tokens", "tokens.lock"));
}

TEST(TokenFileTest, AddAndRemoveKeepTheRestOfTheFile) {
  const TempDir dir;
  const std::string kept = absl::StrCat("# ours\n\nalice viewer ", kHashA, "  # laptop");
  const std::string path = dir.Write("tokens", kept);
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  ASSERT_THAT(AddToken(path, Entry("bob", v1::ADMIN)), IsOk());
  EXPECT_EQ(ReadFile(path).value(), absl::StrCat(kept, "\nbob admin ", HashToken("bob"), "\n"));
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path).permissions()), 0640u);
  ASSERT_THAT(RemoveToken(path, "alice"), IsOk());
  EXPECT_EQ(ReadFile(path).value(), absl::StrCat("# ours\n\nbob admin ", HashToken("bob"), "\n"));
}

TEST(TokenFileTest, AddRefusesANameOrTokenThatIsThere) {
  const TempDir dir;
  const std::string path = dir / "tokens";
  ASSERT_THAT(AddToken(path, Entry("alice")), IsOk());
  EXPECT_THAT(AddToken(path, {"alice", v1::ADMIN, kHashB, {}}),
              IsError(absl::StatusCode::kAlreadyExists, "TOKEN_EXISTS", "alice has a token; remove it first"));
  EXPECT_THAT(AddToken(path, {"bob", v1::ADMIN, HashToken("alice"), {}}),
              IsError(absl::StatusCode::kAlreadyExists, "TOKEN_EXISTS", "alice has that token"));
}

TEST(TokenFileTest, AddLeavesAFileAloneThatItCannotRead) {
  const TempDir dir;
  const std::string path = dir.Write("tokens", "broken\n");
  EXPECT_THAT(AddToken(path, Entry("alice")),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", path + ":1: "));
  EXPECT_EQ(ReadFile(path).value(), "broken\n");
}

TEST(TokenFileTest, AddWritesNothingThatItCouldNotReadAgain) {
  const TempDir dir;
  EXPECT_THAT(AddToken(dir / "tokens", {"no name", v1::ADMIN, kHashA, {}}),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", ""));
  EXPECT_THAT(ReadTokens(dir / "tokens"), IsError(absl::StatusCode::kNotFound, "NO_TOKENS_FILE", ""));
}

TEST(TokenFileTest, RemoveNamesThoseThereAre) {
  const TempDir dir;
  const std::string path = dir / "tokens";
  ASSERT_THAT(AddToken(path, Entry("alice")), IsOk());
  ASSERT_THAT(AddToken(path, Entry("bob")), IsOk());
  EXPECT_THAT(RemoveToken(path, "carol"),
              IsError(absl::StatusCode::kNotFound, "NO_SUCH_TOKEN", "carol has no token; there are: alice, bob"));
}

TEST(TokenFileTest, RemoveFromAMissingFileLeavesNothing) {
  const TempDir dir;
  EXPECT_THAT(RemoveToken(dir / "missing", "carol"), IsError(absl::StatusCode::kNotFound, "NO_TOKENS_FILE", ""));
  EXPECT_THAT(dir.Names(), IsEmpty());
}

TEST(TokenFileTest, AFileWithoutANameIsInvalid) {
  EXPECT_THAT(AddToken("", Entry("alice")),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "--tokens-file: (empty)"));
}

TEST(TokenFileTest, AddsAtTheSameTimeLoseNone) {
  const TempDir dir;
  const std::string path = dir / "tokens";
  std::array<std::string, 16> names;
  std::array<std::thread, 16> adders;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = absl::StrCat("n", i);
    adders[i] = std::thread([&path, name = names[i]] { EXPECT_THAT(AddToken(path, Entry(name)), IsOk()); });
  }
  for (std::thread& adder : adders) adder.join();
  EXPECT_THAT(NamesIn(path), testing::UnorderedElementsAreArray(names));
}

TEST(TokenFileTest, AddWaitsForThoseWhoChangeTheFile) {
  const TempDir dir;
  const std::string path = dir / "tokens";
  ASSERT_OK_AND_ASSIGN(std::optional<FileDescriptor> lock, TryLockFile(path + ".lock"));
  ASSERT_TRUE(lock.has_value());
  std::thread adder([&path] { EXPECT_THAT(AddToken(path, Entry("alice")), IsOk()); });
  EXPECT_THAT(ReadTokens(path), IsError(absl::StatusCode::kNotFound, "NO_TOKENS_FILE", ""));
  lock.reset();
  adder.join();
  EXPECT_THAT(NamesIn(path), ElementsAre("alice"));
}

}  // namespace
}  // namespace deepbindnet
