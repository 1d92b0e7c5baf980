// What a server answers that has its hands full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/predict/gate.h"
#include "tests/server/rpc/pending_predict.h"
#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;

v1::PredictRequest Request(int pairs, const std::string& smiles = "CC") {
  v1::PredictRequest request;
  request.set_model("gated");
  request.add_smiles(smiles);
  request.add_sequences("MKV");
  for (int i = 0; i < pairs; ++i) request.add_pairs();
  return request;
}

class TooManyCallsTest : public ServiceTest {
 protected:
  TooManyCallsTest() { max_queued_calls_ = 0; }

  static void ExpectRefusal(const grpc::Status& status) {
    EXPECT_THAT(status, IsCallError(StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_CALLS", "too many calls"));
    EXPECT_TRUE(HasRetryInfo(status));
  }

  grpc::ClientContext context_;
};

TEST_F(TooManyCallsTest, RefusesAUnaryCall) {
  v1::ServerStatus status;
  ExpectRefusal(stub_->GetServerStatus(&context_, {}, &status));
}

TEST_F(TooManyCallsTest, RefusesAWatch) {
  v1::JobEvent event;
  const auto reader = stub_->WatchJob(&context_, {});
  EXPECT_FALSE(reader->Read(&event));
  ExpectRefusal(reader->Finish());
}

TEST_F(TooManyCallsTest, RefusesADownload) {
  v1::DownloadArtifactResponse response;
  const auto reader = stub_->DownloadArtifact(&context_, {});
  EXPECT_FALSE(reader->Read(&response));
  ExpectRefusal(reader->Finish());
}

TEST_F(TooManyCallsTest, RefusesAnUpload) {
  v1::Job job;
  const auto writer = stub_->PrepareDataset(&context_, &job);
  v1::PrepareDatasetRequest header;
  header.mutable_header()->set_size_bytes(1);
  writer->Write(header);
  ExpectRefusal(writer->Finish());
}

// Predictions that are computed once the test starts the batcher.
class PredictRefusalTest : public ServiceTest {
 protected:
  PredictRefusalTest() {
    batcher_options_.max_queued_pairs = 2;
    batcher_options_.max_delay = absl::ZeroDuration();
    max_waiting_for_models_ = 1;
    max_predict_bytes_ = 1000;
  }
  void SetUp() override {
    ServiceTest::SetUp();
    AddStoredModel(store_.get(), "gated");
  }

  grpc::Status Predict(const v1::PredictRequest& request) {
    grpc::ClientContext context;
    v1::PredictResponse response;
    return stub_->Predict(&context, request, &response);
  }
};

TEST_F(PredictRefusalTest, TooManyPairs) {
  const grpc::Status status = Predict(Request(3));
  EXPECT_THAT(status, IsCallError(StatusCode::RESOURCE_EXHAUSTED, "PREDICT_QUEUE_FULL", "0 of 2 pairs wait"));
  EXPECT_TRUE(HasRetryInfo(status));
}

TEST_F(PredictRefusalTest, TooManyBytesUntilThoseBeforeAreAnswered) {
  const std::string large(700, 'C');
  Gate gate;
  before_load_ = [&gate](const std::string& /*path*/) {
    gate.Pass();
    return absl::OkStatus();
  };
  PendingPredict first(stub_.get(), Request(1, large));
  gate.WaitUntilReached();
  const grpc::Status refused = Predict(Request(1, large));
  EXPECT_THAT(refused, IsCallError(StatusCode::RESOURCE_EXHAUSTED, "PREDICT_QUEUE_FULL", "of 1000 bytes"));
  EXPECT_TRUE(HasRetryInfo(refused));
  batcher_->Start();
  gate.Open();
  EXPECT_THAT(first.Wait(), IsCallOk());
  EXPECT_THAT(Predict(Request(1, large)), IsCallOk());
}

TEST_F(PredictRefusalTest, TooManyCallsWaitForAModelToLoad) {
  Gate gate;
  before_load_ = [&gate](const std::string& /*path*/) {
    gate.Pass();
    return absl::OkStatus();
  };
  PendingPredict first(stub_.get(), Request(1));
  gate.WaitUntilReached();
  const grpc::Status refused = Predict(Request(1));
  EXPECT_THAT(refused, IsCallError(StatusCode::RESOURCE_EXHAUSTED, "MODEL_LOADING", "too many calls wait for models"));
  EXPECT_TRUE(HasRetryInfo(refused));
  // Those who want something else are served meanwhile.
  grpc::ClientContext context;
  v1::ServerStatus status;
  EXPECT_THAT(stub_->GetServerStatus(&context, {}, &status), IsCallOk());
  batcher_->Start();
  gate.Open();
  EXPECT_THAT(first.Wait(), IsCallOk());
}

}  // namespace
}  // namespace deepbindnet
