#include "server/auth/authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/logging/logging.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class AuthenticatorTest : public testing::Test {
 protected:
  // The token of NAME is "token-of-NAME".
  std::string Line(const std::string& name, v1::Role role, std::optional<absl::CivilDay> expires = {}) {
    return FormatToken({name, role, HashToken(absl::StrCat("token-of-", name)), expires}) + "\n";
  }

  void Start(const std::string& contents) {
    path_ = dir_.Write("tokens", contents);
    ASSERT_OK_AND_ASSIGN(authenticator_, Authenticator::Create(path_, [this] { return now_; }));
  }

  absl::StatusOr<Caller> Admit(const std::string& name, const std::string& method) const {
    DBN_ASSIGN_OR_RETURN(const Caller caller, authenticator_->Identify(absl::StrCat("Bearer token-of-", name)));
    DBN_RETURN_IF_ERROR(CheckRole(caller, method));
    return caller;
  }

  const TempDir dir_;
  std::string path_;
  absl::Time now_ = absl::FromCivil(absl::CivilDay(2030, 1, 1), absl::UTCTimeZone());
  std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, WithoutAFileEveryCallerIsAnAdmin) {
  ASSERT_OK_AND_ASSIGN(authenticator_, Authenticator::Create(""));
  EXPECT_FALSE(authenticator_->wants_tokens());
  for (const char* authorization : {"", "Bearer x", "nonsense"}) {
    ASSERT_OK_AND_ASSIGN(const Caller caller, authenticator_->Identify(authorization));
    EXPECT_EQ(caller.name, "");
    EXPECT_EQ(caller.role, v1::ADMIN);
  }
  EXPECT_THAT(authenticator_->Reload(), IsOk());
}

TEST_F(AuthenticatorTest, TellsWhoCalls) {
  Start(Line("alice", v1::SUBMITTER) + Line("bob", v1::ADMIN));
  EXPECT_TRUE(authenticator_->wants_tokens());
  ASSERT_OK_AND_ASSIGN(const Caller alice, Admit("alice", "CancelJob"));
  EXPECT_EQ(alice.name, "alice");
  EXPECT_EQ(alice.role, v1::SUBMITTER);
  ASSERT_OK_AND_ASSIGN(const Caller bob, Admit("bob", "CancelJob"));
  EXPECT_EQ(bob.name, "bob");
  EXPECT_EQ(bob.role, v1::ADMIN);
}

TEST_F(AuthenticatorTest, TheSchemeIsWrittenInAnyCase) {
  Start(Line("alice", v1::VIEWER));
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER  "}) {
    EXPECT_THAT(authenticator_->Identify(absl::StrCat(scheme, "token-of-alice")), IsOk()) << scheme;
  }
}

TEST_F(AuthenticatorTest, ACallWithoutATokenIsRefused) {
  Start(Line("alice", v1::VIEWER));
  EXPECT_THAT(authenticator_->Identify(""), IsError(absl::StatusCode::kUnauthenticated, "NO_TOKEN", "Bearer TOKEN"));
}

TEST_F(AuthenticatorTest, ATokenThatIsNotOneIsRefusedAndNotRepeated) {
  Start(Line("alice", v1::VIEWER));
  for (const char* authorization : {"Bearer", "Bearer ", "token-of-alice", "Basic token-of-alice", " token-of-alice"}) {
    EXPECT_THAT(authenticator_->Identify(authorization),
                IsError(absl::StatusCode::kUnauthenticated, "BAD_TOKEN", "is not 'Bearer TOKEN'"))
        << authorization;
  }
  for (const char* token : {"token-of-bob", "TOKEN-OF-ALICE", "token-of-alice x"}) {
    const auto refused = authenticator_->Identify(absl::StrCat("Bearer ", token));
    EXPECT_THAT(refused, IsError(absl::StatusCode::kUnauthenticated, "BAD_TOKEN", "does not know the token"));
    EXPECT_THAT(refused.status().ToString(), Not(HasSubstr(token)));
  }
  const std::string hash = HashToken("token-of-alice");
  EXPECT_THAT(authenticator_->Identify("Bearer " + hash),
              IsError(absl::StatusCode::kUnauthenticated, "BAD_TOKEN", "does not know the token"));
}

TEST_F(AuthenticatorTest, ATokenExpiresWhileTheServerRuns) {
  Start(Line("alice", v1::VIEWER, absl::CivilDay(2030, 1, 2)));
  EXPECT_THAT(Admit("alice", "Predict"), IsOk());
  now_ += absl::Hours(24);
  EXPECT_THAT(Admit("alice", "Predict"), IsError(absl::StatusCode::kUnauthenticated, "BAD_TOKEN",
                                                 "the token of alice expired on 2030-01-02 (UTC); ask"));
  EXPECT_THAT(Admit("bob", "Predict"), IsError(absl::StatusCode::kUnauthenticated, "BAD_TOKEN", "does not know"));
}

TEST_F(AuthenticatorTest, EachRoleMayDoWhatThoseBeforeItMay) {
  Start(Line("v", v1::VIEWER) + Line("s", v1::SUBMITTER) + Line("a", v1::ADMIN));
  EXPECT_THAT(Admit("v", "Predict"), IsOk());
  EXPECT_FALSE(Admit("v", "CancelJob").ok());
  EXPECT_FALSE(Admit("v", "SetLogLevel").ok());
  EXPECT_THAT(Admit("s", "Predict"), IsOk());
  EXPECT_THAT(Admit("s", "CancelJob"), IsOk());
  EXPECT_FALSE(Admit("s", "SetLogLevel").ok());
  for (const char* method : {"Predict", "CancelJob", "SetLogLevel", "Unknown"}) EXPECT_THAT(Admit("a", method), IsOk());
}

TEST_F(AuthenticatorTest, ARoleThatIsTooLowIsNamed) {
  Start(Line("alice", v1::VIEWER));
  const auto refused = Admit("alice", "CancelJob");
  EXPECT_THAT(refused, IsError(absl::StatusCode::kPermissionDenied, "ROLE_TOO_LOW",
                               "CancelJob needs the role submitter, and alice has the role viewer; ask"));
  EXPECT_THAT(
      GetErrorMetadata(refused.status()),
      UnorderedElementsAre(Pair("role", "viewer"), Pair("required_role", "submitter"), Pair("method", "CancelJob")));
}

TEST_F(AuthenticatorTest, CreateFailsWithAFileThatItCannotRead) {
  EXPECT_THAT(Authenticator::Create(dir_ / "missing"), IsError(absl::StatusCode::kNotFound, "NO_TOKENS_FILE", ""));
  EXPECT_THAT(Authenticator::Create(dir_.Write("broken", "x")),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "broken:1: "));
}

TEST_F(AuthenticatorTest, ReloadTakesTheFileAsItIsNow) {
  Start(Line("alice", v1::VIEWER));
  dir_.Write("tokens", Line("bob", v1::ADMIN));
  EXPECT_THAT(Admit("alice", "Predict"), IsOk());  // Not before it is asked.
  ASSERT_THAT(authenticator_->Reload(), IsOk());
  EXPECT_FALSE(Admit("alice", "Predict").ok());
  EXPECT_THAT(Admit("bob", "SetLogLevel"), IsOk());
}

TEST_F(AuthenticatorTest, AReloadThatFailsChangesNothing) {
  Start(Line("alice", v1::VIEWER));
  dir_.Write("tokens", Line("bob", v1::ADMIN) + "broken\n");
  EXPECT_THAT(authenticator_->Reload(), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", path_ + ":2: "));
  EXPECT_THAT(Admit("alice", "Predict"), IsOk());
  EXPECT_FALSE(Admit("bob", "Predict").ok());
  std::filesystem::remove(path_);
  EXPECT_THAT(authenticator_->Reload(), IsError(absl::StatusCode::kNotFound, "NO_TOKENS_FILE", ""));
  EXPECT_THAT(Admit("alice", "Predict"), IsOk());
}

TEST_F(AuthenticatorTest, AFileWithoutTokensLetsNobodyInAndWarns) {
  ConfigureLogging(LogFormat::kText, LogLevel::kInfo);
  testing::internal::CaptureStderr();
  Start("# none yet\n");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("every call will be refused"));
  EXPECT_THAT(authenticator_->Identify(""), IsError(absl::StatusCode::kUnauthenticated, "NO_TOKEN", ""));
  EXPECT_THAT(Admit("alice", "Predict"), IsError(absl::StatusCode::kUnauthenticated, "BAD_TOKEN", ""));
}

TEST_F(AuthenticatorTest, AdmitsWhileItIsReloaded) {
  Start(Line("alice", v1::VIEWER));
  std::atomic<bool> done{false};
  const auto call = [&] {
    while (!done) EXPECT_THAT(Admit("alice", "Predict"), IsOk());
  };
  std::thread callers[] = {std::thread(call), std::thread(call)};
  for (int i = 0; i < 100; ++i) EXPECT_THAT(authenticator_->Reload(), IsOk());
  done = true;
  for (std::thread& caller : callers) caller.join();
}

TEST(CheckOwnerTest, AdminsAndOwnersMay) {
  EXPECT_THAT(CheckOwner({"", v1::ADMIN}, "", "job 1"), IsOk());
  EXPECT_THAT(CheckOwner({"root", v1::ADMIN}, "alice", "job 1"), IsOk());
  EXPECT_THAT(CheckOwner({"alice", v1::SUBMITTER}, "alice", "job 1"), IsOk());
}

TEST(CheckOwnerTest, OthersAreToldWhoseItIs) {
  const absl::Status refused = CheckOwner({"bob", v1::SUBMITTER}, "alice", "job 1");
  EXPECT_THAT(refused, IsError(absl::StatusCode::kPermissionDenied, "NOT_YOURS",
                               "job 1 is alice's; ask them or an admin to change it"));
  EXPECT_THAT(GetErrorMetadata(refused), UnorderedElementsAre(Pair("owner", "alice")));
}

TEST(CheckOwnerTest, WhatWasMadeWithoutATokenIsNobodys) {
  for (const char* name : {"", "bob"}) {
    EXPECT_THAT(
        CheckOwner({name, v1::SUBMITTER}, "", "job 1"),
        IsError(absl::StatusCode::kPermissionDenied, "NOT_YOURS", "job 1 was made without a token; ask an admin"));
  }
}

}  // namespace
}  // namespace deepbindnet
