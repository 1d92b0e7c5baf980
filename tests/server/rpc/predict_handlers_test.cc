#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "core/base/file.h"
#include "tests/server/rpc/pending_predict.h"
#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

v1::PredictRequest Request(const std::string& model) {
  v1::PredictRequest request;
  request.set_model(model);
  request.add_smiles("CC");
  request.add_smiles("bad");
  request.add_sequences("MKV");
  request.add_pairs();
  request.add_pairs()->set_drug(1);
  request.add_pairs();
  return request;
}

class PredictHandlersTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    batcher_->Start();
    AddStoredModel(store_.get(), "gated");
  }

  grpc::Status Predict(const v1::PredictRequest& request, v1::PredictResponse* response) {
    grpc::ClientContext context;
    return stub_->Predict(&context, request, response);
  }
};

TEST_F(PredictHandlersTest, AnswersEveryPairInOrder) {
  v1::PredictResponse response;
  ASSERT_THAT(Predict(Request("gated"), &response), IsCallOk());
  ASSERT_EQ(response.predictions_size(), 3);
  EXPECT_EQ(response.predictions(0).value(), 302.0);
  EXPECT_EQ(response.predictions(0).error(), "");
  EXPECT_EQ(response.predictions(1).error(), "bad cannot be read");
  EXPECT_EQ(response.predictions(1).error_reason(), "INVALID_SMILES");
  EXPECT_EQ(response.predictions(2).value(), 302.0);
  EXPECT_EQ(response.affinity_unit(), "pKd");
  EXPECT_EQ(response.model(), "gated");
  EXPECT_EQ(response.model_digest(), "digest of gated");
}

TEST_F(PredictHandlersTest, FeaturesReachTheModelAndTheDirectionTheCaller) {
  v1::PredictRequest request = Request("gated");
  for (int i = 0; i < request.sequences_size(); ++i) request.add_protein_features();
  request.mutable_protein_features(0)->add_values(0.5F);
  request.mutable_protein_features(0)->add_values(-2.0F);
  v1::PredictResponse response;
  ASSERT_THAT(Predict(request, &response), IsCallOk());
  ASSERT_FALSE(predictor_->calls().empty());
  EXPECT_EQ(predictor_->calls().back().features.at(0), (std::vector<float>{0.5F, -2.0F}));
  EXPECT_EQ(response.affinity_direction(), v1::HIGHER_BINDS_TIGHTER);
}

TEST_F(PredictHandlersTest, ModelIsLoadedOnFirstUse) {
  v1::ListModelsResponse models;
  grpc::ClientContext before;
  ASSERT_THAT(stub_->ListModels(&before, {}, &models), IsCallOk());
  EXPECT_FALSE(models.models(0).loaded());
  v1::PredictResponse response;
  ASSERT_THAT(Predict(Request(""), &response), IsCallOk());
  EXPECT_EQ(response.model(), "gated");
  grpc::ClientContext after;
  ASSERT_THAT(stub_->ListModels(&after, {}, &models), IsCallOk());
  EXPECT_TRUE(models.models(0).loaded());
  v1::ServerStatus status;
  grpc::ClientContext status_context;
  ASSERT_THAT(stub_->GetServerStatus(&status_context, {}, &status), IsCallOk());
  EXPECT_THAT(status.loaded_models(), ElementsAre("gated"));
}

TEST_F(PredictHandlersTest, UnknownModelIsNotFound) {
  v1::PredictResponse response;
  EXPECT_EQ(Predict(Request("other"), &response).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(PredictHandlersTest, UnnamedModelAmongSeveralIsAFailedPrecondition) {
  AddStoredModel(store_.get(), "standard");
  v1::PredictResponse response;
  EXPECT_THAT(Predict(Request(""), &response),
              IsCallError(StatusCode::FAILED_PRECONDITION, "MODEL_NOT_NAMED", "gated, standard"));
}

TEST_F(PredictHandlersTest, IndexOutOfRangeNamesThePair) {
  v1::PredictRequest request = Request("gated");
  request.mutable_pairs(2)->set_target(1);
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  EXPECT_THAT(status, IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "pairs[2].target: 1"));
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("field"), "pairs[2].target");
}

TEST_F(PredictHandlersTest, LargestRequestFits) {
  v1::PredictRequest request;
  request.set_model("gated");
  for (int i = 0; i < 4096; ++i) {
    request.add_smiles(std::string(4096, 'C'));
    if (i < 1600) request.add_sequences(std::string(10000, 'M'));  // Nearly 32 MiB.
    request.add_pairs()->set_drug(i);
  }
  v1::PredictResponse response;
  ASSERT_THAT(Predict(request, &response), IsCallOk());
  ASSERT_EQ(response.predictions_size(), 4096);
  EXPECT_EQ(response.predictions(4095).value(), 4096 + 100.0 * 10000);
}

TEST_F(PredictHandlersTest, LostCheckpointIsNamedWithoutThePlaceOfTheDataDirectory) {
  before_load_ = [](const std::string& path) { return ReadFile(path).status(); };
  v1::PredictResponse response;
  const grpc::Status status = Predict(Request("gated"), &response);
  EXPECT_THAT(status, IsCallError(StatusCode::DATA_LOSS, "MODEL_NOT_LOADABLE", " models/gated/best_model.pt"));
  EXPECT_THAT(status.error_message(), Not(HasSubstr(dir_.path())));
  EXPECT_THAT(status.error_details(), Not(HasSubstr(dir_.path())));
}

// Predictions wait for company for ever, on a clock that the test sets forward.
class DroppedPredictionTest : public ServiceTest {
 protected:
  DroppedPredictionTest() {
    batcher_options_.max_delay = absl::Hours(1000);
    now_ = [this] { return absl::Now() + absl::Hours(hours_later_.load()); };
  }
  void SetUp() override {
    ServiceTest::SetUp();
    AddStoredModel(store_.get(), "gated");
  }

  // Does the batcher's work until a prediction waits, or none does; false after TestDeadline().
  bool RunUntilOneWaits(bool waits) {
    const auto deadline = TestDeadline();
    while ((batcher_->RunOnce() != absl::InfiniteFuture()) != waits) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::atomic<int> hours_later_{0};
};

TEST_F(DroppedPredictionTest, CancelledCallIsNotComputed) {
  PendingPredict call(stub_.get(), Request("gated"));
  ASSERT_TRUE(RunUntilOneWaits(true));
  call.Cancel();
  EXPECT_TRUE(RunUntilOneWaits(false));
  EXPECT_EQ(call.Wait().error_code(), StatusCode::CANCELLED);
  EXPECT_THAT(predictor_->calls(), IsEmpty());
}

TEST_F(DroppedPredictionTest, ExpiredCallIsNotComputed) {
  PendingPredict call(stub_.get(), Request("gated"), std::chrono::system_clock::now() + std::chrono::hours(1));
  ASSERT_TRUE(RunUntilOneWaits(true));
  hours_later_ = 2;
  EXPECT_TRUE(RunUntilOneWaits(false));
  EXPECT_THAT(call.Wait(), IsCallError(StatusCode::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "before the prediction"));
  EXPECT_THAT(predictor_->calls(), IsEmpty());
}

}  // namespace
}  // namespace deepbindnet
