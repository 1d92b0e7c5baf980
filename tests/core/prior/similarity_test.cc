#include "core/prior/similarity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/chem/protein.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Ge;
using ::testing::IsEmpty;
using Measure = SimilarityIndex::Measure;

std::vector<float> Compare(const SimilarityIndex& index, const Profile& profile) {
  std::vector<float> similarity(static_cast<size_t>(index.size()), -1.0F);
  index.Compare(profile, similarity.data());
  return similarity;
}

Profile OfSequence(const char* sequence) { return ProteinProfile(ParseSequence(sequence).value().tokens); }

TEST(SimilarityIndexTest, TanimotoIsWhatIsSharedByWhatEitherHas) {
  const SimilarityIndex index(Measure::kTanimoto, {{{1, 2}, {5, 1}}, {{5, 4}}, {{9, 1}}, {}});
  EXPECT_THAT(Compare(index, {{1, 1}, {5, 3}}), ElementsAre(2.0F / 5, 3.0F / 5, 0.0F, 0.0F));
  EXPECT_THAT(Compare(index, {{1, 2}, {5, 1}}), ElementsAre(1.0F, 1.0F / 6, 0.0F, 0.0F));
  EXPECT_THAT(Compare(index, {}), ElementsAre(0.0F, 0.0F, 0.0F, 0.0F));
}

TEST(SimilarityIndexTest, CosineIsTheProduct) {
  const SimilarityIndex index(Measure::kCosine, {{{1, 0.6F}, {2, 0.8F}}, {{2, 1}}});
  EXPECT_THAT(Compare(index, {{0, 0.8F}, {2, 0.6F}}), ElementsAre(FloatNear(0.48F, 1e-6F), FloatNear(0.6F, 1e-6F)));
}

TEST(SimilarityIndexTest, FindsTheFirstOfEqualProfiles) {
  const SimilarityIndex index(Measure::kTanimoto, {{{1, 2}}, {{1, 1}}, {{1, 2}}});
  EXPECT_EQ(index.Find({{1, 2}}), 0);
  EXPECT_EQ(index.Find({{1, 1}}), 1);
  EXPECT_EQ(index.Find({{1, 3}}), -1);
  EXPECT_EQ(index.Find({}), -1);
}

TEST(MoleculeProfileTest, CountsAtomTypesAndEnvironments) {
  std::mt19937 random(1);
  const MolecularGraph graph = RandomGraph(5, &random);
  const Profile profile = MoleculeProfile(graph);
  float total = 0;
  for (size_t i = 0; i < profile.size(); ++i) {
    EXPECT_THAT(profile[i].weight, Ge(1.0F));
    EXPECT_TRUE(i == 0 || profile[i - 1].feature < profile[i].feature);
    total += profile[i].weight;
  }
  EXPECT_EQ(total, 5 * (1 + kEnvironmentRadii)) << "each atom's type and each of its environments";

  MolecularGraph other = graph;
  other.environments[0] = static_cast<uint16_t>((other.environments[0] + 1) % kEnvironmentCodes);
  EXPECT_NE(MoleculeProfile(other), profile);
  other = graph;
  other.atom_features[kAtomFeatures - 1] ^= 1;  // Chirality, which only the atom's type knows of here.
  EXPECT_NE(MoleculeProfile(other), profile);
}

TEST(MoleculeProfileTest, OfEveryRadiusACodeIsAFeatureOfItsOwn) {
  MolecularGraph atom;
  atom.atom_features.assign(kAtomFeatures, 0);
  atom.environments = {7, 7, 7};
  EXPECT_EQ(MoleculeProfile(atom).size(), 1u + kEnvironmentRadii);
}

TEST(ProteinProfileTest, IsOfLengthOne) {
  const Profile profile = OfSequence("MKTAYIAKQRMKTA");
  float square = 0;
  for (const FeatureWeight& has : profile) square += has.weight * has.weight;
  EXPECT_NEAR(square, 1, 1e-6);
}

TEST(ProteinProfileTest, SharedPeptidesMakeSimilar) {
  const SimilarityIndex index(Measure::kCosine,
                              {OfSequence("MKTAYIAK"), OfSequence("MKTAYIAKQR"), OfSequence("WWWWWW")});
  const std::vector<float> similarity = Compare(index, OfSequence("MKTAYIAK"));
  EXPECT_NEAR(similarity[0], 1, 1e-6);
  // All 11 peptides of the one are among the 15 of the other.
  EXPECT_NEAR(similarity[1], 11 / std::sqrt(11.0 * 15), 1e-6);
  EXPECT_EQ(similarity[2], 0);
}

TEST(ProteinProfileTest, AShortProteinHasNoPeptides) {
  EXPECT_THAT(OfSequence("MK"), IsEmpty());
  EXPECT_THAT(OfSequence("MKT"), ElementsAre(FeatureWeight{OfSequence("MKT")[0].feature, 1.0F}));
}

}  // namespace
}  // namespace deepbindnet
