#include "server/rpc/grpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <string>

#include "deploy/healthcheck/health_probe.h"
#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

class GrpcServerTest : public ServiceTest {
 protected:
  grpc::Status Health(const std::string& service) { return ProbeHealth(channel_, service, std::chrono::seconds(30)); }

  std::string MetricsText() const { return prometheus::TextSerializer().Serialize(metrics_.collectable()->Collect()); }
};

TEST_F(GrpcServerTest, HealthFollowsSetServing) {
  EXPECT_THAT(Health("").error_message(), HasSubstr("NOT_SERVING"));
  server_->SetServing(true);
  EXPECT_THAT(Health(""), IsCallOk());
  EXPECT_THAT(Health("deepbindnet.v1.DeepBindNet"), IsCallOk());
  EXPECT_EQ(Health("another.Service").error_code(), grpc::StatusCode::NOT_FOUND);
  server_->SetServing(false);
  EXPECT_THAT(Health("deepbindnet.v1.DeepBindNet").error_message(), HasSubstr("NOT_SERVING"));
}

TEST_F(GrpcServerTest, PortInUseIsAnError) {
  EXPECT_THAT(GrpcServer::Start({absl::StrCat("127.0.0.1:", server_->port())}, service_.get(), &metrics_),
              IsError(absl::StatusCode::kUnavailable, "CANNOT_LISTEN", "cannot listen on 127.0.0.1:"));
}

TEST_F(GrpcServerTest, CallsOfUnknownMethodsAreRefusedAndCountedTogether) {
  for (const char* method : {"/deepbindnet.v1.DeepBindNet/Train", "/deepbindnet.v2.DeepBindNet/GetStatus", "/x/y"}) {
    grpc::ClientContext context;
    v1::GetStatusRequest request;
    v1::Job response;
    const grpc::Status status = grpc::internal::BlockingUnaryCall(
        channel_.get(), grpc::internal::RpcMethod(method, grpc::internal::RpcMethod::NORMAL_RPC), &context, request,
        &response);
    EXPECT_THAT(status, IsCallError(grpc::StatusCode::UNIMPLEMENTED, "UNKNOWN_METHOD", method));
  }
  const std::string text = MetricsText();
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(grpc_server_handled_total{grpc_code="UNIMPLEMENTED",grpc_method="unknown",grpc_service="unknown",grpc_type="bidi_stream"} 3)"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr(R"(grpc_service="x")")));
}

TEST_F(GrpcServerTest, EveryCallIsCountedFailuresIncluded) {
  v1::Job job;
  v1::GetStatusRequest request;
  request.set_job("nobody");
  grpc::ClientContext failing;
  ASSERT_FALSE(stub_->GetStatus(&failing, request, &job).ok());
  v1::ServerStatus status;
  grpc::ClientContext succeeding;
  ASSERT_THAT(stub_->GetServerStatus(&succeeding, {}, &status), IsCallOk());
  grpc::ClientContext later;
  v1::Model model;
  ASSERT_FALSE(stub_->PromoteModel(&later, {}, &model).ok());
  const auto handled = [](const std::string& method, const std::string& code) {
    return R"(grpc_server_handled_total{grpc_code=")" + code + R"(",grpc_method=")" + method +
           R"(",grpc_service="deepbindnet.v1.DeepBindNet",grpc_type="unary"} )";
  };
  const std::string text = MetricsText();
  EXPECT_THAT(text, HasSubstr(handled("GetStatus", "NOT_FOUND") + "1"));
  EXPECT_THAT(text, HasSubstr(handled("GetStatus", "OK") + "0"));
  EXPECT_THAT(text, HasSubstr(handled("GetServerStatus", "OK") + "1"));
  EXPECT_THAT(text, HasSubstr(handled("PromoteModel", "UNIMPLEMENTED") + "1"));
}

TEST_F(GrpcServerTest, StreamsAreCounted) {
  grpc::ClientContext context;
  v1::WatchJobRequest request;
  request.set_job("nobody");
  const auto reader = stub_->WatchJob(&context, request);
  v1::JobEvent event;
  while (reader->Read(&event)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(MetricsText(), HasSubstr(R"(grpc_server_handled_total{grpc_code="NOT_FOUND",grpc_method="WatchJob",)"
                                       R"(grpc_service="deepbindnet.v1.DeepBindNet",grpc_type="server_stream"} 1)"));
}

}  // namespace
}  // namespace deepbindnet
