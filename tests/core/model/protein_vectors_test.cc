#include "core/model/protein_vectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/core/data/small_dataset.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

const ProteinVectors& Known() {
  static const auto* const known = new ProteinVectors{{"MKTV", {0.5F, -1.0F, 2.25F}}, {"ACDUX", {1.5F, 0.0F, -4.0F}}};
  return *known;
}

TEST(VectorsOfTest, TakesThoseOfEveryProtein) {
  EXPECT_EQ(VectorsOf(MakeDatasetWithFeatures()), Known());
  EXPECT_TRUE(VectorsOf(MakeSmallDataset()).empty());
}

TEST(ProteinVectorsTest, AreReadBackAsTheyWere) {
  ASSERT_OK_AND_ASSIGN(const ProteinVectors back, DecodeProteinVectors(EncodeProteinVectors(Known(), 3), 3));
  EXPECT_EQ(back, Known());
  ASSERT_OK_AND_ASSIGN(const ProteinVectors none, DecodeProteinVectors(EncodeProteinVectors({}, 3), 3));
  EXPECT_TRUE(none.empty());
}

TEST(ProteinVectorsTest, WhatIsUnfitIsNamed) {
  const auto expect_refused = [](const char* key, const c10::IValue& value, const char* message) {
    TensorDict dict = EncodeProteinVectors(Known(), 3);
    dict.insert_or_assign(key, value);
    EXPECT_THAT(DecodeProteinVectors(dict, 3),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", message));
  };
  expect_refused("sequences", "MKTV", "no list 'sequences'");
  expect_refused("vectors", torch::ones({2, 4}), "'vectors' has another shape or type than expected");
  expect_refused("vectors", torch::ones({1, 3}), "'vectors' has another shape or type than expected");
  expect_refused("vectors", torch::full({2, 3}, std::numeric_limits<float>::infinity()),
                 "'vectors' has a value that is not finite");
}

TEST(MatchFeaturesTest, KnownOnesFillADataSetWithoutAny) {
  ProcessedDataset dataset = MakeSmallDataset();
  ASSERT_THAT(MatchFeatures(Known(), 3, &dataset), IsOk());
  EXPECT_EQ(VectorsOf(dataset), Known());
}

TEST(MatchFeaturesTest, TheDataSetsOwnStay) {
  ProcessedDataset dataset = MakeDatasetWithFeatures();
  ASSERT_THAT(MatchFeatures({{"MKTV", {9.0F, 9.0F, 9.0F}}}, 3, &dataset), IsOk());
  EXPECT_EQ(VectorsOf(dataset), Known());
}

TEST(MatchFeaturesTest, AModelWithoutFeaturesNeedsNone) {
  ProcessedDataset dataset = MakeSmallDataset();
  EXPECT_THAT(MatchFeatures({}, 0, &dataset), IsOk());
  EXPECT_EQ(dataset.manifest.protein_feature_dim, 0);
}

TEST(MatchFeaturesTest, WhatDoesNotMatchIsRefused) {
  ProcessedDataset dataset = MakeDatasetWithFeatures();
  EXPECT_THAT(MatchFeatures(Known(), 2, &dataset),
              IsError(absl::StatusCode::kFailedPrecondition, "OTHER_FEATURES", "of 2 values and the data set has 3"));
  dataset = MakeSmallDataset();
  EXPECT_THAT(MatchFeatures({{"MKTV", {1.0F, 2.0F, 3.0F}}}, 3, &dataset),
              IsError(absl::StatusCode::kFailedPrecondition, "OTHER_FEATURES",
                      "the model does not know those of 'ACDUX...' (5 residues)"));
}

}  // namespace
}  // namespace deepbindnet
