#include "core/data/synthesize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/chem/molecule.h"
#include "core/chem/protein.h"
#include "core/data/preprocess.h"
#include "core/data/processed_dataset.h"
#include "core/data/raw_table.h"
#include "core/data/synthetic_rule.h"
#include "tests/support/additive_model.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

RawTable Read(const std::string& path) {
  return ReadRawTable(path, "", {}, [](int64_t, int64_t) {}).value();
}

RawTable Make(int64_t pairs, uint64_t seed) {
  const TempDir dir;
  EXPECT_TRUE(Synthesize(dir / "x.csv", {pairs, seed}).ok());
  return Read(dir / "x.csv");
}

// The warheads that a canonical SMILES shows; written as RDKit writes them.
std::vector<int> WarheadsIn(const std::string& smiles) {
  const auto has = [&smiles](absl::string_view text) { return absl::StrContains(smiles, text); };
  const std::vector<bool> found = {has("S(N)(=O)=O") || has("NS(=O)(=O)"), has("B"), has("#"),
                                   has("nn[nH]") || has("[nH]nn"),         has("P"), has("C=CC(=O)N")};
  std::vector<int> warheads;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i]) warheads.push_back(static_cast<int>(i));
  }
  return warheads;
}

std::vector<int> MotifsIn(const std::string& sequence) {
  std::vector<int> motifs;
  for (size_t i = 0; i < SyntheticMotifs().size(); ++i) {
    if (absl::StrContains(sequence, SyntheticMotifs()[i])) motifs.push_back(static_cast<int>(i));
  }
  return motifs;
}

double R2(const std::vector<double>& truth, const std::vector<double>& predicted) {
  double mean = 0.0;
  for (const double value : truth) mean += value / static_cast<double>(truth.size());
  double errors = 0.0;
  double variance = 0.0;
  for (size_t i = 0; i < truth.size(); ++i) {
    errors += (truth[i] - predicted[i]) * (truth[i] - predicted[i]);
    variance += (truth[i] - mean) * (truth[i] - mean);
  }
  return 1.0 - errors / variance;
}

// The mean affinity of each (warhead, motif) among the training pairs.
class InteractionModel {
 public:
  explicit InteractionModel(const ProcessedDataset& dataset) : dataset_(dataset) {
    std::map<std::pair<int, int>, int> counts;
    for (size_t i = 0; i < dataset.train.affinity.size(); ++i) {
      const auto kind = KindOf(dataset.train.drug[i], dataset.train.target[i]);
      const int count = ++counts[kind];
      means_[kind] += (dataset.train.affinity[i] - means_[kind]) / count;
    }
  }

  double Predict(int32_t drug, int32_t target) const { return means_.at(KindOf(drug, target)); }

 private:
  std::pair<int, int> KindOf(int32_t drug, int32_t target) const {
    return {WarheadsIn(dataset_.molecules[static_cast<size_t>(drug)].canonical_smiles).front(),
            MotifsIn(dataset_.proteins[static_cast<size_t>(target)].sequence).front()};
  }

  const ProcessedDataset& dataset_;
  std::map<std::pair<int, int>, double> means_;
};

template <typename Model>
double TestR2(const Model& model, const PairTable& test) {
  std::vector<double> predicted;
  for (size_t i = 0; i < test.affinity.size(); ++i) predicted.push_back(model.Predict(test.drug[i], test.target[i]));
  return R2(test.affinity, predicted);
}

TEST(SyntheticRuleTest, InteractionTableHasZeroRowAndColumnMeans) {
  const int kinds = static_cast<int>(SyntheticWarheads().size());
  ASSERT_EQ(SyntheticMotifs().size(), SyntheticWarheads().size());
  double squares = 0.0;
  for (int i = 0; i < kinds; ++i) {
    double row = 0.0;
    double column = 0.0;
    for (int j = 0; j < kinds; ++j) {
      row += SyntheticInteraction(i, j);
      column += SyntheticInteraction(j, i);
      squares += SyntheticInteraction(i, j) * SyntheticInteraction(i, j);
    }
    EXPECT_NEAR(row, 0.0, 1e-12);
    EXPECT_NEAR(column, 0.0, 1e-12);
  }
  EXPECT_NEAR(std::sqrt(squares / (kinds * kinds)), kSyntheticInteractionSd, 1e-12);
}

TEST(SyntheticRuleTest, MotifsAreDistinctWordsOfResidues) {
  for (size_t i = 0; i < SyntheticMotifs().size(); ++i) {
    EXPECT_EQ(SyntheticMotifs()[i].size(), 8u);
    EXPECT_TRUE(ParseSequence(SyntheticMotifs()[i]).ok());
    EXPECT_EQ(MotifsIn(std::string(SyntheticMotifs()[i])), std::vector<int>{static_cast<int>(i)});
  }
}

TEST(SyntheticRuleTest, ResiduesCoverTheTwentyStandardOnes) {
  std::set<char> residues;
  for (int i = 0; i < 10000; ++i) residues.insert(SyntheticResidue(i / 10000.0));
  EXPECT_EQ(residues.size(), 20u);
}

TEST(SynthesizeTest, HasTheColumnsAndTheNumberOfPairsAskedFor) {
  const TempDir dir;
  const std::string summary = Synthesize(dir / "x.csv", {4000, 1}).value();
  EXPECT_EQ(summary, "4000 pairs of 253 molecules and 42 proteins");
  const std::string csv = ReadFile(dir / "x.csv").value();
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "drug_id,target_id,compound_iso_smiles,target_sequence,pKd");
  const RawTable table = Read(dir / "x.csv");
  EXPECT_EQ(table.rows.size(), 4000u);
  EXPECT_TRUE(table.rejected.empty());
  EXPECT_EQ(table.smiles.size(), 253u);
  EXPECT_EQ(table.sequences.size(), 42u);
}

TEST(SynthesizeTest, NoPairStandsTwice) {
  std::set<std::pair<int32_t, int32_t>> pairs;
  for (const RawRow& row : Make(4000, 2).rows) EXPECT_TRUE(pairs.emplace(row.smiles, row.sequence).second);
}

TEST(SynthesizeTest, MoleculesAreValidCanonicalAndCarryOneWarhead) {
  const RawTable table = Make(4000, 3);
  std::vector<int> counts(SyntheticWarheads().size(), 0);
  std::set<int> sizes;
  for (const std::string& smiles : table.smiles) {
    const Molecule molecule = ParseSmiles(smiles).value();
    EXPECT_EQ(molecule.canonical_smiles, smiles);
    EXPECT_FALSE(absl::StrContains(smiles, ".")) << smiles;
    EXPECT_FALSE(absl::StrContains(smiles, "*")) << smiles;
    sizes.insert(molecule.graph.atoms());
    const std::vector<int> warheads = WarheadsIn(smiles);
    ASSERT_EQ(warheads.size(), 1u) << smiles;
    ++counts[static_cast<size_t>(warheads.front())];
  }
  EXPECT_GT(sizes.size(), 15u) << "varied";
  EXPECT_LE(*std::max_element(counts.begin(), counts.end()) - *std::min_element(counts.begin(), counts.end()), 1);
}

TEST(SynthesizeTest, SequencesAreValidAndCarryOneMotifOncePer150Residues) {
  for (const std::string& sequence : Make(4000, 4).sequences) {
    ASSERT_TRUE(ParseSequence(sequence).ok());
    EXPECT_GE(sequence.size(), 100u);
    EXPECT_LE(sequence.size(), 600u);
    EXPECT_EQ(sequence.front(), 'M');
    const std::vector<int> motifs = MotifsIn(sequence);
    ASSERT_EQ(motifs.size(), 1u) << sequence;
    const std::string motif(SyntheticMotifs()[static_cast<size_t>(motifs.front())]);
    size_t copies = 0;
    for (size_t at = sequence.find(motif); at != std::string::npos; at = sequence.find(motif, at + 1)) ++copies;
    EXPECT_EQ(copies, 1 + sequence.size() / 150);
  }
}

TEST(SynthesizeTest, AdditiveModelsCannotSolveItAndTheInteractionCan) {
  const TempDir dir;
  ASSERT_TRUE(Synthesize(dir / "x.csv", {4000, 5}).ok());
  ASSERT_TRUE(Preprocess(dir / "x.csv", dir / "out", {}, nullptr).ok());
  const ProcessedDataset dataset = LoadProcessedDataset(dir / "out", {Part::kTrain, Part::kTest}).value();
  for (const double shrinkage : {0.0, 5.0, 50.0}) {
    const AdditiveModel additive(dataset.train, dataset.molecules.size(), dataset.proteins.size(), shrinkage);
    EXPECT_LT(TestR2(additive, dataset.test), 0.1) << shrinkage;
  }
  EXPECT_GT(TestR2(InteractionModel(dataset), dataset.test), 0.9);
}

TEST(SynthesizeTest, TheSeedDecidesTheFile) {
  const TempDir dir;
  for (const auto& [name, seed] : std::vector<std::pair<std::string, uint64_t>>{{"a", 6}, {"b", 6}, {"c", 7}}) {
    ASSERT_TRUE(Synthesize(dir / name, {500, seed}).ok());
  }
  EXPECT_EQ(ReadFile(dir / "a").value(), ReadFile(dir / "b").value());
  EXPECT_NE(ReadFile(dir / "a").value(), ReadFile(dir / "c").value());
}

TEST(SynthesizeTest, TheFewestPairsWorkAndFewerAreRefused) {
  EXPECT_EQ(Make(100, 8).rows.size(), 100u);
  const TempDir dir;
  const absl::Status status = Synthesize(dir / "x.csv", {99, 1}).status();
  EXPECT_EQ(GetErrorMetadata(status)["field"], "pairs");
  EXPECT_EQ(GetErrorMetadata(Synthesize(dir / "x.csv", {1000001, 1}).status())["field"], "pairs");
  EXPECT_TRUE(dir.Names().empty());
}

TEST(SynthesizeTest, AnUnwritablePathIsNamed) {
  const absl::Status status = Synthesize("/missing_directory/x.csv", {100, 1}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("/missing_directory/x.csv"));
}

}  // namespace
}  // namespace deepbindnet
