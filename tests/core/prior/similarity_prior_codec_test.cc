#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "core/prior/similarity_prior.h"
#include "tests/support/status_matchers.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

class SimilarityPriorCodecTest : public ::testing::Test {
 protected:
  SimilarityPriorCodecTest() {
    for (int i = 0; i < 12; ++i) pairs_.push_back({i % 4, i % 3});
  }

  TensorDict Encoded() const {
    const std::vector<float> z = {1, -1, 0, 2, 0.5, -0.5, 1, 1, -2, 0, 0, 1};
    return SimilarityPrior::Fit(entities_.Graphs(), entities_.Tokens(), pairs_, z, SplitMethod::kRandom).prior.Encode();
  }
  static void ExpectRefused(const TensorDict& dict, const std::string& part) {
    const absl::Status status = SimilarityPrior::Decode(dict).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << part;
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }

  const SyntheticEntities entities_{{5, 6, 7, 8}, {20, 30, 40}};
  std::vector<PairIndex> pairs_;
};

TEST_F(SimilarityPriorCodecTest, DecodesToTheSameAnswers) {
  const TensorDict dict = Encoded();
  const auto decoded = SimilarityPrior::Decode(dict);
  ASSERT_THAT(decoded.status(), IsOk());
  const auto again = SimilarityPrior::Decode(decoded->Encode());
  ASSERT_THAT(again.status(), IsOk());
  const SyntheticEntities others({5, 9}, {25, 12}, 11);
  for (const SyntheticEntities* of : {&entities_, &others}) {
    EXPECT_TRUE(torch::equal(decoded->Predict(of->Graphs(), of->Tokens(), {{0, 0}, {1, 1}}),
                             again->Predict(of->Graphs(), of->Tokens(), {{0, 0}, {1, 1}})));
  }
  const torch::Tensor said = decoded->Predict(entities_.Graphs(), entities_.Tokens(), pairs_);
  EXPECT_TRUE((said != 0).any(0).all().item<bool>()) << said;
}

TEST_F(SimilarityPriorCodecTest, EveryEntryIsNeeded) {
  const TensorDict whole = Encoded();
  for (const auto& item : whole) {
    TensorDict dict = whole.copy();
    const std::string name = item.key().toStringRef();
    EXPECT_EQ(dict.erase(name), 1u);
    ExpectRefused(dict, name);
  }
}

TEST_F(SimilarityPriorCodecTest, DamagedEntriesAreRefused) {
  const auto with = [this](const std::string& name, const std::function<void(torch::Tensor*)>& damage) {
    TensorDict dict = Encoded();
    torch::Tensor tensor = dict.at(name).toTensor().clone();
    damage(&tensor);
    dict.insert_or_assign(name, tensor);
    return dict;
  };
  const auto first = [](double value) { return [value](torch::Tensor* tensor) { tensor->view({-1})[0] = value; }; };
  const auto shorter = [](torch::Tensor* tensor) { *tensor = tensor->slice(0, 1).clone(); };
  ExpectRefused(with("dual", first(NAN)), "'dual' has a value that is not finite");
  ExpectRefused(with("learned", first(INFINITY)), "'learned' has a value that is not finite");
  ExpectRefused(with("near_drugs", first(NAN)), "'near_drugs' has a value that is not finite");
  ExpectRefused(with("drug_effect", first(NAN)), "'drug_effect'");
  ExpectRefused(with("mean", [](torch::Tensor* tensor) { tensor->fill_(NAN); }), "'mean'");
  for (const char* name :
       {"dual", "learned", "near_targets", "near_drugs", "drug_effect", "target_effect", "molecule_weights"}) {
    ExpectRefused(with(name, shorter), name);
  }
  ExpectRefused(with("protein_offsets", first(1)), "protein_offsets");
  ExpectRefused(with("protein_offsets", shorter), "protein_offsets");
  ExpectRefused(with("molecule_offsets", [](torch::Tensor* offsets) { (*offsets)[1] = 1 << 20; }), "molecule_offsets");
  ExpectRefused(with("molecule_features", first(-1)), "molecule_features");
  ExpectRefused(with("molecule_features", first(INT32_MAX)), "molecule_features");
  ExpectRefused(with("protein_weights", first(0)), "protein_weights");
  ExpectRefused(with("protein_weights", first(NAN)), "protein_weights");
  ExpectRefused(with("drug_effect", [](torch::Tensor* tensor) { *tensor = tensor->to(torch::kFloat64); }),
                "drug_effect");
}

}  // namespace
}  // namespace deepbindnet
