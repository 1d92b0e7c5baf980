#include "deploy/healthcheck/health_probe.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kTimeout(5000);

// A server that answers UNIMPLEMENTED to every call but, where asked for, those of gRPC's own health service.
class HealthProbeTest : public ::testing::Test {
 protected:
  void Start(bool health_service) {
    grpc::EnableDefaultHealthCheckService(health_service);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&other_calls_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials());
  }

  grpc::CallbackGenericService other_calls_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(HealthProbeTest, IsOkWhileTheServerServes) {
  Start(/*health_service=*/true);
  server_->GetHealthCheckService()->SetServingStatus(true);
  const grpc::Status status = ProbeHealth(channel_, "", kTimeout);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(HealthProbeTest, NamesTheStateOfAServerThatDoesNotServe) {
  Start(/*health_service=*/true);
  server_->GetHealthCheckService()->SetServingStatus(false);
  const grpc::Status status = ProbeHealth(channel_, "", kTimeout);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("NOT_SERVING"));
}

TEST_F(HealthProbeTest, AsksForTheServiceNamed) {
  Start(/*health_service=*/true);
  server_->GetHealthCheckService()->SetServingStatus("ready.Service", true);
  server_->GetHealthCheckService()->SetServingStatus("busy.Service", false);
  EXPECT_TRUE(ProbeHealth(channel_, "ready.Service", kTimeout).ok());
  EXPECT_EQ(ProbeHealth(channel_, "busy.Service", kTimeout).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ProbeHealth(channel_, "no.Service", kTimeout).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthProbeTest, FailsWhereNobodyListens) {
  Start(/*health_service=*/true);
  server_->Shutdown();
  server_.reset();
  EXPECT_EQ(ProbeHealth(channel_, "", kTimeout).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(HealthProbeTest, FailsOnAServerWithoutHealthService) {
  Start(/*health_service=*/false);
  EXPECT_EQ(ProbeHealth(channel_, "", kTimeout).error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace deepbindnet
