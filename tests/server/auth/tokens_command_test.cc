#include "server/auth/tokens_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/file.h"
#include "server/auth/authenticator.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class TokensCommandTest : public testing::Test {
 protected:
  // The exit code; nothing where the command line cannot be parsed.
  std::optional<int> Run(std::vector<std::string> arguments) {
    CLI::App app;
    std::function<int()> action;
    AddTokensCommand(&app, &out_, &err_, &action);
    arguments.insert(arguments.begin(), "tokens");
    out_.str("");
    err_.str("");
    try {
      app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
      err_ << error.what();
      return std::nullopt;
    }
    return action();
  }

  std::optional<int> Add(const std::string& name, const std::string& role, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"add", "--tokens-file", path_, "--name", name, "--role", role});
    return Run(more);
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "tokens";
  std::ostringstream out_, err_;
};

TEST_F(TokensCommandTest, AddPrintsATokenThatTheServerTakes) {
  ASSERT_EQ(Add("alice", "submitter"), 0) << err_.str();
  const std::string printed = out_.str();
  EXPECT_THAT(printed, testing::MatchesRegex("dbn_[A-Za-z0-9_-]*\n"));
  EXPECT_THAT(err_.str(), HasSubstr("the token of alice, submitter. It is shown only now"));
  EXPECT_THAT(err_.str(), HasSubstr("SIGHUP"));
  ASSERT_OK_AND_ASSIGN(const auto authenticator, Authenticator::Create(path_));
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       authenticator->Identify(absl::StrCat("Bearer ", absl::StripSuffix(printed, "\n"))));
  EXPECT_EQ(caller.name, "alice");
  EXPECT_EQ(caller.role, v1::SUBMITTER);
}

TEST_F(TokensCommandTest, TheFileNeverHasTheToken) {
  ASSERT_EQ(Add("alice", "submitter"), 0);
  const std::string token(absl::StripSuffix(out_.str(), "\n"));
  EXPECT_THAT(ReadFile(path_).value(), Not(HasSubstr(token)));
  EXPECT_THAT(ReadFile(path_).value(), HasSubstr(HashToken(token)));
  EXPECT_THAT(err_.str(), Not(HasSubstr(token)));
}

TEST_F(TokensCommandTest, ListShowsNamesRolesAndExpiriesOnly) {
  ASSERT_EQ(Add("alice", "submitter", {"--expires", "2999-12-31"}), 0) << err_.str();
  ASSERT_EQ(Add("bob", "viewer"), 0);
  const std::string old = FormatToken({"old", v1::ADMIN, HashToken("x"), absl::CivilDay(2001, 2, 3)});
  WriteTestFile(path_, ReadFile(path_).value() + old);
  ASSERT_EQ(Run({"list", "--tokens-file", path_}), 0);
  EXPECT_EQ(out_.str(),
            "NAME   ROLE       EXPIRES\n"
            "alice  submitter  2999-12-31\n"
            "bob    viewer     never\n"
            "old    admin      2001-02-03 (expired)\n");
}

TEST_F(TokensCommandTest, RemoveTakesOneAway) {
  ASSERT_EQ(Add("alice", "submitter"), 0);
  ASSERT_EQ(Add("bob", "viewer"), 0);
  ASSERT_EQ(Run({"remove", "--tokens-file", path_, "--name", "alice"}), 0);
  EXPECT_THAT(err_.str(), HasSubstr("The token of alice is removed."));
  ASSERT_EQ(Run({"list", "--tokens-file", path_}), 0);
  EXPECT_THAT(out_.str(), Not(HasSubstr("alice")));
  EXPECT_EQ(Run({"remove", "--tokens-file", path_, "--name", "alice"}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("error: " + path_ + ": alice has no token; there are: bob"));
}

TEST_F(TokensCommandTest, WrongValuesAreWrongUsageAndMakeNoFile) {
  EXPECT_EQ(Add("no name", "viewer"), 2);
  EXPECT_THAT(err_.str(), HasSubstr("error: --name: no name is not a name"));
  EXPECT_EQ(Add("alice", "boss"), 2);
  EXPECT_THAT(err_.str(), HasSubstr("error: --role: boss is no role; give viewer, submitter or admin"));
  EXPECT_EQ(Add("alice", "viewer", {"--expires", "soon"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("error: --expires: soon is not a day"));
  EXPECT_EQ(Add("alice", "viewer", {"--expires", "2001-01-01"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("error: --expires: 2001-01-01 has come already"));
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_F(TokensCommandTest, FailsWhereTheFileIsMissing) {
  EXPECT_EQ(Run({"list", "--tokens-file", path_}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("error: there is no file of tokens " + path_));
}

TEST_F(TokensCommandTest, ATokenThatCannotBePrintedIsAFailure) {
  out_.setstate(std::ios::badbit);
  EXPECT_EQ(Add("alice", "viewer"), 1);
  EXPECT_THAT(err_.str(), HasSubstr("remove alice and add it again"));
}

TEST_F(TokensCommandTest, NeedsASubcommandAndItsOptions) {
  EXPECT_EQ(Run({}), std::nullopt);
  EXPECT_EQ(Run({"add", "--tokens-file", path_, "--name", "alice"}), std::nullopt);
  EXPECT_THAT(err_.str(), HasSubstr("--role is required"));
  EXPECT_EQ(Run({"list"}), std::nullopt);
  EXPECT_THAT(err_.str(), HasSubstr("--tokens-file is required"));
}

}  // namespace
}  // namespace deepbindnet
