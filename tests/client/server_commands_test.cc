// server status and log-level against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ServerCommandsTest : public CliTest {};

TEST_F(ServerCommandsTest, StatusTellsAllThatTheServerSays) {
  service_.server_status = [](v1::ServerStatus* status) {
    status->set_version("9.9");
    status->set_tls(true);
    status->set_caller("alice");
    status->set_caller_role(v1::SUBMITTER);
    status->set_jobs_running(1);
    status->set_jobs_queued(2);
    status->set_jobs_paused(3);
    v1::DeviceSlot* slot = status->add_slots();
    slot->set_name("cuda:0");
    slot->set_job("17");
    status->add_slots()->set_name("cuda:1");
    status->set_disk_free_bytes(3ULL << 30);
    status->set_log_level("info");
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"server", "status"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr(", version 9.9, TLS\n"), HasSubstr("you      alice, submitter\n"),
                                HasSubstr("slots    cuda:0 job 17, cuda:1 free\n"),
                                HasSubstr("jobs     1 running, 2 queued, 3 paused\n"),
                                HasSubstr("disk     3.0 GiB free\n"), HasSubstr("logs     info\n")));
  ASSERT_EQ(Run({"--json", "server", "status"}), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0)["slots"][0]["job"], "17");
  EXPECT_EQ(JsonLines().at(0)["caller_role"], "SUBMITTER");
}

TEST_F(ServerCommandsTest, StatusOfAServerWithoutTokensSaysSo) {
  service_.server_status = [](v1::ServerStatus*) { return grpc::Status::OK; };
  ASSERT_EQ(Run({"server", "status"}), ExitCode::kDone);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr(", no TLS\n"), HasSubstr("you      anyone; this server asks for no token\n")));
}

TEST_F(ServerCommandsTest, TheLogLevelIsSet) {
  service_.set_log_level = [](const std::string& level, v1::SetLogLevelResponse* response) {
    EXPECT_EQ(level, "debug");
    response->set_previous_level("info");
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"server", "log-level", "debug"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "logs debug until its next start (was info)\n");
  ASSERT_EQ(Run({"--json", "server", "log-level", "debug"}), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0).dump(), R"({"level":"debug","previous_level":"info","type":"log_level"})");
  EXPECT_EQ(Run({"server", "log-level", "loud"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("level: 'loud' is not one of debug|info|warning|error"));
}

TEST_F(ServerCommandsTest, ARoleThatIsTooLowIsNamed) {
  service_.set_log_level = [](const std::string&, v1::SetLogLevelResponse*) {
    return ErrorWithInfo(grpc::StatusCode::PERMISSION_DENIED, "not allowed", "ROLE_TOO_LOW",
                         {{"role", "VIEWER"}, {"required_role", "ADMIN"}});
  };
  EXPECT_EQ(Run({"server", "log-level", "debug"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: not allowed (role: VIEWER) (required_role: ADMIN)\n");
}

}  // namespace
}  // namespace deepbindnet::client
