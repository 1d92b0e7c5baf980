#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/server/predict/gate.h"
#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

v1::ExplainRequest Request(const std::string& model, int pairs = 1) {
  v1::ExplainRequest request;
  request.mutable_input()->set_model(model);
  request.mutable_input()->add_smiles("CC");
  request.mutable_input()->add_smiles("bad");
  request.mutable_input()->add_sequences("MKV");
  for (int i = 0; i < pairs; ++i) request.mutable_input()->add_pairs();
  return request;
}

class ExplainHandlersTest : public ServiceTest {
 protected:
  ExplainHandlersTest() { limits_.max_sequence_length = 200'000; }  // For explanations of any size.

  void SetUp() override {
    ServiceTest::SetUp();
    AddStoredModel(store_.get(), "gated");
  }

  grpc::Status Explain(const v1::ExplainRequest& request, v1::ExplainResponse* response) {
    grpc::ClientContext context;
    return stub_->Explain(&context, request, response);
  }

  // Returns once the explainer has done all that it was given before.
  void WaitForExplainer() {
    std::promise<void> done;
    ASSERT_THAT(explainer_->Schedule([&done] { done.set_value(); }), IsOk());
    done.get_future().wait();
  }

  v1::ExplainResponse response_;
};

TEST_F(ExplainHandlersTest, AnswersEveryPairInOrder) {
  v1::ExplainRequest request = Request("gated", 3);
  request.mutable_input()->mutable_pairs(1)->set_drug(1);
  ASSERT_THAT(Explain(request, &response_), IsCallOk());
  ASSERT_EQ(response_.pairs_size(), 3);
  EXPECT_EQ(response_.pairs(0).value(), 302.0);
  EXPECT_EQ(response_.pairs(0).error(), "");
  EXPECT_EQ(response_.pairs(1).error(), "bad cannot be read");
  EXPECT_EQ(response_.pairs(1).error_reason(), "INVALID_SMILES");
  EXPECT_EQ(response_.pairs(1).json(), "");
  EXPECT_EQ(response_.pairs(2).json(), response_.pairs(0).json());
  EXPECT_EQ(response_.affinity_unit(), "pKd");
  EXPECT_EQ(response_.affinity_direction(), v1::HIGHER_BINDS_TIGHTER);
  EXPECT_EQ(response_.model(), "gated");
  EXPECT_EQ(response_.model_digest(), "digest of gated");
}

TEST_F(ExplainHandlersTest, JsonHasTheDetailAskedFor) {
  v1::ExplainRequest request = Request("gated");
  const auto atom = [&](v1::ExplainRequest::Detail detail) {
    request.set_detail(detail);
    EXPECT_THAT(Explain(request, &response_), IsCallOk());
    const auto json = nlohmann::json::parse(response_.pairs(0).json());
    EXPECT_EQ(json["predicted_affinity"], 302.0);
    EXPECT_EQ(json["model_digest"], "digest of gated");
    return json["atoms"][1];
  };
  EXPECT_FALSE(atom(v1::ExplainRequest::SUMMARY).contains("layers"));
  for (const auto detail : {v1::ExplainRequest::DETAIL_UNSPECIFIED, v1::ExplainRequest::LAYERS}) {
    EXPECT_EQ(atom(detail)["layers"], nlohmann::json::parse(R"([{"attention": 0.5, "gate": 0.25}])"));
  }
  EXPECT_EQ(atom(v1::ExplainRequest::HEADS)["layers"][0]["head_attention"], nlohmann::json::parse("[0.5]"));
}

TEST_F(ExplainHandlersTest, DrawsWhereItIsAskedTo) {
  v1::ExplainRequest request = Request("gated");
  request.set_atom_indices(true);
  ASSERT_THAT(Explain(request, &response_), IsCallOk());
  EXPECT_EQ(response_.pairs(0).svg(), "");
  EXPECT_THAT(response_.pairs(0).text(), HasSubstr("atoms by importance, of 2 in CC"));
  request.set_svg(true);
  ASSERT_THAT(Explain(request, &response_), IsCallOk());
  EXPECT_THAT(response_.pairs(0).svg(), AllOf(HasSubstr("<svg"), HasSubstr("class='note'")));
  request.set_atom_indices(false);
  ASSERT_THAT(Explain(request, &response_), IsCallOk());
  EXPECT_THAT(response_.pairs(0).svg(), ::testing::Not(HasSubstr("class='note'")));
}

TEST_F(ExplainHandlersTest, ModelsAreFoundAsInPredict) {
  ASSERT_THAT(Explain(Request(""), &response_), IsCallOk());
  EXPECT_EQ(response_.model(), "gated");
  EXPECT_THAT(Explain(Request("other"), &response_), IsCallError(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND", "gated"));
  AddStoredModel(store_.get(), "standard");
  EXPECT_THAT(Explain(Request(""), &response_),
              IsCallError(StatusCode::FAILED_PRECONDITION, "MODEL_NOT_NAMED", "gated, standard"));
}

TEST_F(ExplainHandlersTest, TooManyPairsAreRefused) {
  const grpc::Status status = Explain(Request("gated", 17), &response_);
  EXPECT_THAT(status, IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "input.pairs: 17 entries"));
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("field"), "input.pairs");
}

TEST_F(ExplainHandlersTest, ItemThatWouldMakeTheAnswerTooLargeFailsAlone) {
  v1::ExplainRequest request = Request("gated", 3);
  request.mutable_input()->add_sequences(std::string(100'000, 'M'));  // About 15 MB of JSON.
  for (auto& pair : *request.mutable_input()->mutable_pairs()) pair.set_target(1);
  request.mutable_input()->add_pairs();
  grpc::ClientContext context;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  const auto stub = v1::DeepBindNet::NewStub(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                                                       grpc::InsecureChannelCredentials(), arguments));
  request.set_detail(v1::ExplainRequest::SUMMARY);
  ASSERT_THAT(stub->Explain(&context, request, &response_), IsCallOk());
  int failed = 0;
  for (const v1::ExplainedPair& pair : response_.pairs()) {
    if (pair.error().empty()) continue;
    ++failed;
    EXPECT_EQ(pair.error_reason(), "EXPLANATION_TOO_LARGE");
    EXPECT_THAT(pair.error(), HasSubstr("ask for fewer pairs at once"));
  }
  EXPECT_EQ(response_.pairs(0).error(), "");
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(response_.pairs(3).error(), "") << "a small one still fits";
  EXPECT_LE(response_.ByteSizeLong(), (32U << 20) + 10'000);
}

TEST_F(ExplainHandlersTest, ErrorOfTheModelEndsTheCall) {
  v1::ExplainRequest request = Request("gated");
  request.mutable_input()->set_smiles(0, "poison");
  EXPECT_EQ(Explain(request, &response_).error_code(), StatusCode::INTERNAL);
  request.mutable_input()->set_smiles(0, "huge");
  EXPECT_THAT(Explain(request, &response_),
              IsCallError(StatusCode::RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", "out of memory"));
}

TEST_F(ExplainHandlersTest, CallsAreCountedAsOthersAre) {
  ASSERT_THAT(Explain(Request("gated"), &response_), IsCallOk());
  EXPECT_FALSE(Explain(Request("gated", 17), &response_).ok());
  const std::string text = prometheus::TextSerializer().Serialize(metrics_.collectable()->Collect());
  EXPECT_THAT(text, HasSubstr(R"(grpc_code="OK",grpc_method="Explain")"));
  EXPECT_THAT(text, HasSubstr(R"(grpc_code="INVALID_ARGUMENT",grpc_method="Explain")"));
}

// What waits for the explainer's thread.
class WaitingExplanationTest : public ExplainHandlersTest {
 protected:
  WaitingExplanationTest() { max_queued_explanations_ = 1; }
  void SetUp() override {
    ExplainHandlersTest::SetUp();
    ASSERT_THAT(explainer_->Schedule([this] { gate_.Pass(); }), IsOk());
    gate_.WaitUntilReached();
  }

  Gate gate_;
};

TEST_F(WaitingExplanationTest, HasALimit) {
  ASSERT_THAT(explainer_->Schedule([] {}), IsOk());
  const grpc::Status status = Explain(Request("gated"), &response_);
  EXPECT_THAT(status, IsCallError(StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_CALLS", "too many calls"));
  EXPECT_TRUE(HasRetryInfo(status));
  gate_.Open();
}

TEST_F(WaitingExplanationTest, DoesNotKeepPredictionsWaiting) {
  batcher_->Start();
  v1::PredictResponse predicted;
  grpc::ClientContext context;
  EXPECT_THAT(stub_->Predict(&context, Request("gated").input(), &predicted), IsCallOk());
  gate_.Open();
}

TEST_F(ExplainHandlersTest, DrainingServerEndsACallBeforeItsNextPair) {
  on_explain_ = [this] { service_->StartDraining(); };
  EXPECT_THAT(Explain(Request("gated", 3), &response_),
              IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", "shutting down"));
  EXPECT_EQ(predictor_->explained(), 1);
  EXPECT_THAT(Explain(Request("gated"), &response_), IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", ""));
}

// A call of the same connection that is answered after the cancellation was sent: the server has most likely noticed.
TEST_F(ExplainHandlersTest, CancelledCallIsNotComputedToItsEnd) {
  grpc::ClientContext context;
  on_explain_ = [this, &context] {
    context.TryCancel();
    grpc::ClientContext other;
    v1::ServerStatus status;
    EXPECT_THAT(stub_->GetServerStatus(&other, {}, &status), IsCallOk());
    absl::SleepFor(absl::Milliseconds(100));  // Of sixteen times that, the cancellation needs one.
  };
  EXPECT_EQ(stub_->Explain(&context, Request("gated", 16), &response_).error_code(), StatusCode::CANCELLED);
  WaitForExplainer();
  EXPECT_GE(predictor_->explained(), 1);
  EXPECT_LT(predictor_->explained(), 16);
}

}  // namespace
}  // namespace deepbindnet
