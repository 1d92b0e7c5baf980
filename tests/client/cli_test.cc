// What holds for every command.
#include "client/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST_F(CliTest, SendsTheTokenAsMetadata) {
  service_.server_status = [](v1::ServerStatus* status) {
    status->set_version("9.9");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"--token-file", Write("token", "secret\n"), "server", "status"}), ExitCode::kDone);
  EXPECT_EQ(service_.authorization(), "Bearer secret");
  EXPECT_THAT(out_.str(), HasSubstr("version 9.9"));
}

TEST_F(CliTest, ATokenDoesNotLeaveTheMachineInTheClear) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", "192.0.2.1:1", "--token-file", Write("token", "secret\n"), "server", "status"},
                   &console, nullptr),
            ExitCode::kUsage);
  EXPECT_THAT(err.str(), HasSubstr("add --tls, or --insecure"));
}

TEST_F(CliTest, ATokenThatOthersCanReadIsWarnedOf) {
  service_.server_status = [](v1::ServerStatus*) { return grpc::Status::OK; };
  const std::string token = Write("token", "secret\n");
  std::filesystem::permissions(token, std::filesystem::perms(0644));
  EXPECT_EQ(Run({"--token-file", token, "server", "status"}), ExitCode::kDone);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("warning: --token-file: "), HasSubstr("chmod 600 " + token)));
  std::filesystem::permissions(token, std::filesystem::perms(0600));
  setenv("DEEPBINDNET_TOKEN_FILE", token.c_str(), 1);
  EXPECT_EQ(Run({"server", "status"}), ExitCode::kDone);
  unsetenv("DEEPBINDNET_TOKEN_FILE");
  EXPECT_THAT(err_.str(), IsEmpty());
  EXPECT_EQ(service_.authorization(), "Bearer secret");
}

TEST_F(CliTest, AFileWithoutATokenIsWrongUsage) {
  for (const char* text : {"\nsecret\n", "two words\n", "caf\xc3\xa9\n"}) {
    EXPECT_EQ(Run({"--token-file", Write("token", text), "server", "status"}), ExitCode::kUsage);
    EXPECT_THAT(err_.str(), HasSubstr("is no token"));
  }
}

TEST_F(CliTest, ACallerWithoutAValidTokenIsToldWhatToDo) {
  service_.server_status = [](v1::ServerStatus*) {
    return ErrorWithInfo(grpc::StatusCode::UNAUTHENTICATED, "who are you?", "NO_TOKEN");
  };
  EXPECT_EQ(Run({"server", "status"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("who are you?; no token was sent"), HasSubstr("--token-file FILE")));
  const std::string token = Write("token", "old");
  EXPECT_EQ(Run({"--token-file", token, "server", "status"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("who are you?; the token was read from " + token));
}

TEST_F(CliTest, EachCallHasAnIdThatTheErrorOfAServerAtFaultTells) {
  service_.server_status = [](v1::ServerStatus*) { return grpc::Status(grpc::StatusCode::INTERNAL, "oh"); };
  for (int call = 0; call < 2; ++call) {
    EXPECT_EQ(Run({"server", "status"}), ExitCode::kFailed);
    ASSERT_THAT(service_.request_ids(), SizeIs(call + 1));
    EXPECT_THAT(err_.str(), HasSubstr("oh; tell the server's operator: request ID " + service_.request_ids()[call]));
  }
  EXPECT_NE(service_.request_ids()[0], service_.request_ids()[1]);
  service_.server_status = [](v1::ServerStatus*) { return grpc::Status(grpc::StatusCode::NOT_FOUND, "no"); };
  Run({"server", "status"});
  EXPECT_EQ(err_.str(), "error: no\n");
}

TEST_F(CliTest, WrongUsageIsOneLineThatNamesTheOption) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "A subcommand is required"},
      {{"train", "--name", "m"}, "--dataset is required"},
      {{"train", "--dataset", "d", "--name", "m", "--hiden_dim", "3"}, "--hiden-dim"},
      {{"train", "--dataset", "d", "--name", "m", "--lr", "fast"}, "--lr: 'fast' is not a number"},
      {{"datasets", "prepare", "f", "--name", "d", "--split", "cold"}, "--split: 'cold' is not one of random|"},
      {{"predict", "--smiles", "C"}, "give --smiles and --sequence"},
      {{"predict", "--smiles", "C", "--sequence", "M", "--input", "x"}, "give --smiles and --sequence"},
      {{"compare", "--models", "a", "--dataset", "d"}, "--models"},
      {{"--timeout", "-1", "server", "status"}, "--timeout: '-1' is not a number of 0 or more"},
      {{"jobs", "list", "--limit", "0"}, "--limit: '0' is not a number of 1 or more"},
      {{"jobs", "watch", "1", "--from-sequence", "-1"}, "--from-sequence: '-1' is not a number of 1 or more"},
      {{"jobs", "status", "\xff"}, "not UTF-8"},
      {{"jobs", "list", "--state", "asleep"}, "--state: 'asleep' is not one of queued|running|"},
      {{"jobs", "list", "--kind", "training"}, "--kind: 'training' is not one of prepare_dataset|train|compare"},
      {{"datasets", "delete", "d"}, "--yes: is needed to delete where there is no terminal"},
      {{"--reconnect-timeout", "-1", "server", "status"}, "--reconnect-timeout: '-1' is not a number of 0 or more"},
  };
  for (const auto& [arguments, message] : cases) {
    EXPECT_EQ(Run(arguments), ExitCode::kUsage) << message;
    EXPECT_THAT(err_.str(), AllOf(HasSubstr("error: "), HasSubstr(message)));
    EXPECT_EQ(err_.str().find('\n'), err_.str().size() - 1);
    EXPECT_THAT(out_.str(), IsEmpty());
  }
}

TEST_F(CliTest, WrongUsageInJsonModeIsOneObject) {
  const std::vector<std::vector<std::string>> cases = {
      {"--json"}, {"train", "--hiden_dim", "3", "--json"}, {"--json", "jobs", "status", "\xff"}};
  for (const std::vector<std::string>& arguments : cases) {
    EXPECT_EQ(Run(arguments), ExitCode::kUsage);
    ASSERT_EQ(JsonLines().size(), 1u) << out_.str();
    EXPECT_EQ(JsonLines()[0]["type"], "error");
    EXPECT_EQ(JsonLines()[0]["code"], "INVALID_ARGUMENT");
    EXPECT_THAT(err_.str(), HasSubstr(JsonLines()[0]["message"].get<std::string>()));
  }
}

TEST_F(CliTest, HelpIsForPeopleInJsonModeToo) {
  EXPECT_EQ(Run({"--json", "train", "--help"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), HasSubstr("--hidden-dim"));
}

TEST_F(CliTest, NoServerIsExitCodeThree) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  // Port 1 of loopback: nothing listens there, and nothing may without privileges.
  EXPECT_EQ(RunCli({"--server", "127.0.0.1:1", "server", "status"}, &console, nullptr), ExitCode::kUnreachable);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("127.0.0.1:1"), Not(HasSubstr("ipv4:"))));
}

}  // namespace
}  // namespace deepbindnet::client
