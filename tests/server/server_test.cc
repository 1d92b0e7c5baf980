#include "server/server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "deepbindnet/v1/deepbindnet.grpc.pb.h"
#include "deploy/healthcheck/health_probe.h"
#include "server/store/data_layout.h"
#include "server/store/store.h"
#include "tests/server/metrics/scrape.h"
#include "tests/server/predict/stored_models.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

class ServerTest : public ::testing::Test {
 protected:
  ServerConfig Config(const std::string& data_dir) const {
    ServerConfig config;
    config.listen = "127.0.0.1:0";
    config.metrics_listen = "off";
    config.data_dir = dir_ / data_dir;
    config.worker_binary = "/bin/true";
    config.device = "cpu";
    return config;
  }

  static grpc::Status Health(const Server& server) {
    const auto channel =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.ports().grpc), grpc::InsecureChannelCredentials());
    return ProbeHealth(channel, "", std::chrono::seconds(30));
  }

  TempDir dir_;
};

TEST_F(ServerTest, IsReadyWhenItHasStarted) {
  ServerConfig config = Config("data");
  config.metrics_listen = "127.0.0.1:0";
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(config));
  EXPECT_TRUE(Health(*server).ok());
  const std::string metrics = Scrape(server->ports().metrics);
  EXPECT_THAT(metrics, HasSubstr("deepbindnet_jobs{kind=\"train\",state=\"queued\"} 0"));
  EXPECT_THAT(metrics, HasSubstr("grpc_service=\"grpc.health.v1.Health\""));
  EXPECT_THAT(metrics, HasSubstr("process_cpu_seconds_total"));
  EXPECT_THAT(metrics, HasSubstr("deepbindnet_predict_queue_seconds_count 0"));
}

TEST_F(ServerTest, ServesAlthoughTheDefaultModelIsLost) {
  const ServerConfig config = Config("data");
  std::filesystem::create_directories(config.data_dir);
  {
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(DataLayout{config.data_dir}.Database()));
    AddStoredModel(store.get(), "gated", {"default"});
  }
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(config));
  EXPECT_TRUE(Health(*server).ok());
}

TEST_F(ServerTest, MissingDeviceIsOneClearLine) {
  ServerConfig config = Config("data");
  config.device = "cuda:99";
  EXPECT_THAT(Server::Start(config),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "device: cuda:99 is not here: "));
}

TEST_F(ServerTest, GrpcPortInUseIsOneClearLine) {
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(Config("first")));
  ServerConfig config = Config("second");
  config.listen = absl::StrCat("127.0.0.1:", server->ports().grpc);
  EXPECT_THAT(Server::Start(config),
              IsError(absl::StatusCode::kUnavailable, "CANNOT_LISTEN", "Address already in use; choose another"));
}

TEST_F(ServerTest, MetricsPortInUseIsOneClearLine) {
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(Config("first")));
  ServerConfig config = Config("second");
  config.metrics_listen = absl::StrCat("127.0.0.1:", server->ports().grpc);
  EXPECT_THAT(Server::Start(config), IsError(absl::StatusCode::kUnavailable, "CANNOT_LISTEN",
                                             "Address already in use; choose another address with --metrics-listen"));
}

TEST_F(ServerTest, NoWorkerStartsWhereThePortIsInUse) {
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(Config("first")));
  const ServerConfig second = [&] {
    ServerConfig config = Config("second");
    config.metrics_listen = absl::StrCat("127.0.0.1:", server->ports().grpc);
    return config;
  }();
  const DataLayout layout{second.data_dir};
  std::filesystem::create_directories(second.data_dir);
  v1::Job job;
  job.set_id("job-a");
  job.mutable_spec()->mutable_train()->set_model("m");
  job.set_state(v1::QUEUED);
  {
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(layout.Database()));
    ASSERT_THAT(store->InsertJob(&job, {}), IsOk());
  }
  EXPECT_FALSE(Server::Start(second).ok());
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(layout.Database()));
  ASSERT_OK_AND_ASSIGN(const auto events, store->ReadEvents("job-a", 1, 10));
  EXPECT_THAT(events, ::testing::IsEmpty());
}

TEST_F(ServerTest, DataDirectoryHasOneServer) {
  ASSERT_OK_AND_ASSIGN(const auto server, Server::Start(Config("data")));
  EXPECT_THAT(Server::Start(Config("data")),
              IsError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_IN_USE", "another server uses"));
}

TEST_F(ServerTest, UnusableDataDirectoryIsAnError) {
  ServerConfig config = Config("file/data");
  WriteTestFile(dir_ / "file", "not a directory");
  EXPECT_THAT(Server::Start(config),
              IsError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE", "give a --data-dir"));
}

TEST_F(ServerTest, MissingWorkerIsAnError) {
  ServerConfig config = Config("data");
  config.worker_binary = dir_ / "no-worker";
  EXPECT_FALSE(Server::Start(config).ok());
}

TEST_F(ServerTest, BeyondLoopbackIsRefused) {
  ServerConfig config = Config("data");
  config.listen = "0.0.0.0:0";
  EXPECT_THAT(Server::Start(config),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "is reachable from other machines"));
}

TEST_F(ServerTest, DrainEndsCallsAndFreesPortAndDirectory) {
  ASSERT_OK_AND_ASSIGN(auto server, Server::Start(Config("data")));
  ServerConfig config = Config("data");
  config.listen = absl::StrCat("127.0.0.1:", server->ports().grpc);
  server->Drain(absl::Now() + absl::Seconds(30));
  const auto channel = grpc::CreateChannel(config.listen, grpc::InsecureChannelCredentials());
  v1::ServerStatus status;
  grpc::ClientContext context;
  EXPECT_EQ(v1::DeepBindNet::NewStub(channel)->GetServerStatus(&context, {}, &status).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  server.reset();
  EXPECT_THAT(Server::Start(config), IsOk());
}

}  // namespace
}  // namespace deepbindnet
