#include "core/data/processed_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/compute/torch_util.h"
#include "core/data/manifest.h"
#include "tests/core/data/small_dataset.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const std::vector<Part> kAllParts = {Part::kTrain, Part::kVal, Part::kTest};

void ExpectEqual(const PairTable& a, const PairTable& b) {
  EXPECT_EQ(a.drug, b.drug);
  EXPECT_EQ(a.target, b.target);
  EXPECT_EQ(a.affinity, b.affinity);
  EXPECT_EQ(a.row, b.row);
}

class ProcessedDatasetTest : public ::testing::Test {
 protected:
  void Save(ProcessedDataset dataset) {
    ASSERT_TRUE(SaveProcessedDataset(dir_.path(), &dataset).ok());
    saved_ = std::move(dataset);
  }

  // Changes one entry of a saved .pt file and lets the manifest vouch for the result, as a hostile writer would.
  void Forge(const std::string& file, const std::string& key, const c10::IValue& value) {
    TensorDict dict = LoadDict(dir_ / file).value();
    dict.insert_or_assign(key, value);
    ASSERT_TRUE(SaveDict(dir_ / file, dict).ok());
    DatasetManifest manifest;
    FileDigests digests;
    ASSERT_TRUE(ParseManifest(ReadFile(dir_ / "manifest.json").value(), &manifest, &digests).ok());
    digests[file] = Sha256HexOfFile(dir_ / file).value();
    manifest.digest = CombineDigests(digests);
    ASSERT_TRUE(WriteFileAtomically(dir_ / "manifest.json", ManifestToJson(manifest, digests)).ok());
  }

  void ExpectRefused(const std::string& file, const std::string& key, const c10::IValue& value) {
    Save(MakeSmallDataset());
    Forge(file, key, value);
    const absl::Status status = LoadProcessedDataset(dir_.path(), kAllParts).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << file << " " << key;
    EXPECT_THAT(std::string(status.message()), HasSubstr(file));
  }

  const TempDir dir_;
  ProcessedDataset saved_;
};

TEST_F(ProcessedDatasetTest, IsReadBackAsItWas) {
  Save(MakeSmallDataset());
  const ProcessedDataset loaded = LoadProcessedDataset(dir_.path(), kAllParts).value();
  ASSERT_EQ(loaded.molecules.size(), 2u);
  ASSERT_EQ(saved_.molecules[0].graph.environments.size(), 2u * kEnvironmentRadii);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loaded.molecules[i].canonical_smiles, saved_.molecules[i].canonical_smiles);
    EXPECT_EQ(loaded.molecules[i].graph.atom_features, saved_.molecules[i].graph.atom_features);
    EXPECT_EQ(loaded.molecules[i].graph.bond_atoms, saved_.molecules[i].graph.bond_atoms);
    EXPECT_EQ(loaded.molecules[i].graph.bond_features, saved_.molecules[i].graph.bond_features);
    EXPECT_EQ(loaded.molecules[i].graph.environments, saved_.molecules[i].graph.environments);
    EXPECT_EQ(loaded.proteins[i].sequence, saved_.proteins[i].sequence);
    EXPECT_EQ(loaded.proteins[i].tokens, saved_.proteins[i].tokens);
  }
  ExpectEqual(loaded.train, saved_.train);
  ExpectEqual(loaded.val, saved_.val);
  ExpectEqual(loaded.test, saved_.test);
  EXPECT_EQ(loaded.scaler.mean, saved_.scaler.mean);
  EXPECT_EQ(loaded.scaler.sd, saved_.scaler.sd);
}

// They are not stored: a file of before there were any has them too.
TEST_F(ProcessedDatasetTest, EnvironmentsAreThoseOfTheGraphThatWasRead) {
  ProcessedDataset dataset = MakeSmallDataset();
  const std::vector<uint16_t> expected = dataset.molecules[0].graph.environments;
  for (MoleculeEntry& molecule : dataset.molecules) molecule.graph.environments.clear();
  Save(std::move(dataset));
  EXPECT_EQ(LoadProcessedDataset(dir_.path(), kAllParts).value().molecules[0].graph.environments, expected);
}

TEST_F(ProcessedDatasetTest, ManifestIsReadBackAsItWas) {
  Save(MakeSmallDataset());
  const DatasetManifest manifest = LoadManifest(dir_.path()).value();
  EXPECT_EQ(manifest.source, "small.csv");
  EXPECT_EQ(manifest.affinity_unit, "pKd");
  EXPECT_EQ(manifest.split.method, SplitMethod::kColumn);
  EXPECT_EQ(manifest.split.split_column, "fold");
  EXPECT_EQ(manifest.split.test_size, 0.2);
  EXPECT_EQ(manifest.split.val_size, 0.1);
  EXPECT_EQ(manifest.split.seed, 18446744073709551615u);
  EXPECT_THAT(manifest.split_labels, ElementsAre(Pair("0", 5), Pair("test", 2), Pair("val", 2)));
  EXPECT_EQ(manifest.rows_read, 10);
  EXPECT_EQ(manifest.rows_rejected, 1);
  EXPECT_EQ(manifest.duplicates_merged, 3);
  EXPECT_EQ(manifest.pairs_dropped, 2);
  EXPECT_EQ(manifest.drugs, 2);
  EXPECT_EQ(manifest.targets, 2);
  EXPECT_EQ(manifest.train_pairs, 2);
  EXPECT_EQ(manifest.val_pairs, 1);
  EXPECT_EQ(manifest.test_pairs, 1);
  EXPECT_EQ(manifest.test_pairs_in_train, 0);
  EXPECT_EQ(manifest.test_drugs_in_train, 1);
  EXPECT_EQ(manifest.test_targets_in_train, 1);
  EXPECT_EQ(manifest.digest, saved_.manifest.digest);
  EXPECT_EQ(manifest.digest.size(), 64u);
}

TEST_F(ProcessedDatasetTest, FeaturesAreReadBackAsTheyWere) {
  Save(MakeDatasetWithFeatures());
  const ProcessedDataset loaded = LoadProcessedDataset(dir_.path(), kAllParts).value();
  EXPECT_EQ(loaded.manifest.protein_feature_dim, 3);
  EXPECT_EQ(loaded.proteins[0].features, MakeDatasetWithFeatures().proteins[0].features);
  EXPECT_EQ(loaded.proteins[1].features, MakeDatasetWithFeatures().proteins[1].features);
}

TEST_F(ProcessedDatasetTest, FeaturesThatAreUnfitAreRefused) {
  const auto refused = [this](const torch::Tensor& features) {
    Save(MakeDatasetWithFeatures());
    Forge("entities.pt", "protein_features", features);
    const absl::Status status = LoadProcessedDataset(dir_.path(), kAllParts).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(refused(torch::ones({3, 3})), HasSubstr("entities.pt: 'protein_features' has another shape"));
  EXPECT_THAT(refused(torch::ones({2})), HasSubstr("'protein_features' has another shape"));
  EXPECT_THAT(refused(torch::ones({2, 3}, torch::kFloat64)), HasSubstr("'protein_features' has another shape or type"));
  EXPECT_THAT(refused(torch::full({2, 3}, NAN)), HasSubstr("'protein_features' has a value that is not finite"));
  EXPECT_THAT(refused(torch::ones({2, 4})), HasSubstr("protein features of another dimension than the manifest says"));
}

TEST_F(ProcessedDatasetTest, ADataSetWithoutFeaturesHasNoEntryOfThem) {
  Save(MakeSmallDataset());
  EXPECT_FALSE(LoadDict(dir_ / "entities.pt").value().contains("protein_features"));
}

TEST_F(ProcessedDatasetTest, AManifestWithoutDirectionTakesItFromTheUnit) {
  Save(MakeSmallDataset());
  std::string json = ReadFile(dir_ / "manifest.json").value();
  for (const std::string line : {"  \"affinity_direction\": \"higher\",\n", "  \"protein_feature_dim\": 0,\n"}) {
    ASSERT_NE(json.find(line), std::string::npos) << json;
    json.erase(json.find(line), line.size());
  }
  ASSERT_TRUE(WriteFileAtomically(dir_ / "manifest.json", json).ok());
  const DatasetManifest manifest = LoadManifest(dir_.path()).value();
  EXPECT_EQ(manifest.affinity_direction, AffinityDirection::kHigherBindsTighter);
  EXPECT_EQ(manifest.protein_feature_dim, 0);
}

TEST_F(ProcessedDatasetTest, HasTheDocumentedFiles) {
  Save(MakeSmallDataset());
  EXPECT_THAT(dir_.Names(), UnorderedElementsAre("entities.pt", "train_data.pt", "val_data.pt", "test_data.pt",
                                                 "scaler_params.pt", "manifest.json"));
}

TEST_F(ProcessedDatasetTest, WhatAKilledWriterLeftIsRemoved) {
  dir_.Write("train_data.pt.0123abcd.unfinished", "half");
  Save(MakeSmallDataset());
  EXPECT_THAT(dir_.Names(), UnorderedElementsAre("entities.pt", "train_data.pt", "val_data.pt", "test_data.pt",
                                                 "scaler_params.pt", "manifest.json"));
}

TEST_F(ProcessedDatasetTest, PartsNotAskedForStayEmptyAndUnread) {
  Save(MakeSmallDataset());
  std::filesystem::remove(dir_ / "test_data.pt");
  const ProcessedDataset loaded = LoadProcessedDataset(dir_.path(), {Part::kTrain, Part::kVal}).value();
  EXPECT_EQ(loaded.train.size(), 2);
  EXPECT_EQ(loaded.val.size(), 1);
  EXPECT_EQ(loaded.test.size(), 0);
  EXPECT_EQ(loaded.manifest.test_pairs, 1);
}

TEST_F(ProcessedDatasetTest, EmptyPartsAndMoleculesWithoutBondsAreFine) {
  ProcessedDataset dataset = MakeSmallDataset();
  dataset.molecules.erase(dataset.molecules.begin());
  dataset.train = {{0}, {0}, {1.0}, {1}};
  dataset.val = {};
  dataset.test = {};
  dataset.manifest.train_pairs = 1;
  dataset.manifest.val_pairs = 0;
  dataset.manifest.test_pairs = 0;
  Save(dataset);
  const ProcessedDataset loaded = LoadProcessedDataset(dir_.path(), kAllParts).value();
  EXPECT_EQ(loaded.molecules.front().graph.bonds(), 0);
  EXPECT_EQ(loaded.test.size(), 0);
}

TEST_F(ProcessedDatasetTest, DigestDependsOnTheContentsAlone) {
  const TempDir elsewhere;
  ProcessedDataset first = MakeSmallDataset();
  ProcessedDataset second = MakeSmallDataset();
  ProcessedDataset other = MakeSmallDataset();
  second.manifest.source = "renamed.csv";
  other.test.affinity[0] += 0.001;
  ASSERT_TRUE(SaveProcessedDataset(dir_.path(), &first).ok());
  ASSERT_TRUE(SaveProcessedDataset(elsewhere / "deep/er", &second).ok());
  ASSERT_TRUE(SaveProcessedDataset(dir_.path(), &other).ok());
  EXPECT_EQ(first.manifest.digest, second.manifest.digest);
  EXPECT_NE(first.manifest.digest, other.manifest.digest);
}

TEST_F(ProcessedDatasetTest, ADirectoryWithoutManifestIsNotFound) {
  EXPECT_EQ(LoadManifest(dir_.path()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(LoadProcessedDataset(dir_ / "missing", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProcessedDatasetTest, AWriteThatFailsLeavesNoDataSetThere) {
  Save(MakeSmallDataset());
  std::filesystem::remove(dir_ / "val_data.pt");
  std::filesystem::create_directory(dir_ / "val_data.pt");  // Nothing can be renamed over it.
  ProcessedDataset dataset = MakeSmallDataset();
  EXPECT_FALSE(SaveProcessedDataset(dir_.path(), &dataset).ok());
  EXPECT_EQ(LoadManifest(dir_.path()).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProcessedDatasetTest, AMissingFileIsNamed) {
  Save(MakeSmallDataset());
  std::filesystem::remove(dir_ / "val_data.pt");
  const absl::Status status = LoadProcessedDataset(dir_.path(), kAllParts).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("val_data.pt"), HasSubstr("missing")));
}

TEST_F(ProcessedDatasetTest, EveryDamagedFileIsNamed) {
  for (const std::string file : {"entities.pt", "scaler_params.pt", "train_data.pt", "val_data.pt", "test_data.pt"}) {
    Save(MakeSmallDataset());
    std::string bytes = ReadFile(dir_ / file).value();
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    dir_.Write(file, bytes);
    const absl::Status status = LoadProcessedDataset(dir_.path(), kAllParts).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << file;
    EXPECT_THAT(std::string(status.message()), HasSubstr(file));
  }
}

TEST_F(ProcessedDatasetTest, DamagedManifestsAreNamed) {
  Save(MakeSmallDataset());
  const std::string whole = ReadFile(dir_ / "manifest.json").value();
  for (const std::string& json : {std::string(), std::string("[]"), std::string("{}"),
                                  whole.substr(0, whole.size() / 2), std::string("{\"format\": 3}")}) {
    dir_.Write("manifest.json", json);
    const absl::Status status = LoadManifest(dir_.path()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << json;
    EXPECT_THAT(std::string(status.message()), HasSubstr("manifest.json"));
  }
}

TEST_F(ProcessedDatasetTest, AnotherFeatureVersionIsRefused) {
  Save(MakeSmallDataset());
  std::string json = ReadFile(dir_ / "manifest.json").value();
  const std::string version = "\"feature_version\": 1";
  ASSERT_NE(json.find(version), std::string::npos);
  dir_.Write("manifest.json", json.replace(json.find(version), version.size(), "\"feature_version\": 2"));
  EXPECT_THAT(std::string(LoadManifest(dir_.path()).status().message()), HasSubstr("feature version 2"));
  ExpectRefused("entities.pt", "feature_version", int64_t{2});
}

TEST_F(ProcessedDatasetTest, IndicesOutOfRangeAreRefused) {
  ExpectRefused("train_data.pt", "drug", torch::tensor({0, 2}, torch::kInt32));
  ExpectRefused("train_data.pt", "drug", torch::tensor({-1, 0}, torch::kInt32));
  ExpectRefused("val_data.pt", "target", torch::tensor({2}, torch::kInt32));
  ExpectRefused("entities.pt", "bond_atoms", torch::tensor({{0, 2}}, torch::kInt32));
  ExpectRefused("entities.pt", "bond_atoms", torch::tensor({{-1, 1}}, torch::kInt32));
}

TEST_F(ProcessedDatasetTest, CategoriesOutOfRangeAreRefused) {
  torch::Tensor features = torch::zeros({3, kAtomFeatures}, torch::kUInt8);
  features[1][0] = kAtomFeatureSizes[0];
  ExpectRefused("entities.pt", "atom_features", features);
  ExpectRefused("entities.pt", "bond_features", torch::tensor({{6, 0, 0, 0}}, torch::kUInt8));
  ExpectRefused("entities.pt", "residue_tokens", torch::full({9}, 26, torch::kUInt8));
  ExpectRefused("entities.pt", "residue_tokens", torch::zeros({9}, torch::kUInt8));
}

TEST_F(ProcessedDatasetTest, OffsetsThatDoNotDivideAreRefused) {
  for (const auto& offsets : {torch::tensor({0, 2, 4}, torch::kInt64), torch::tensor({0, 4, 3}, torch::kInt64),
                              torch::tensor({1, 2, 3}, torch::kInt64), torch::tensor({0, 3}, torch::kInt64),
                              torch::tensor({0, 3, 3}, torch::kInt64)}) {
    ExpectRefused("entities.pt", "atom_offsets", offsets);
  }
  ExpectRefused("entities.pt", "residue_offsets", torch::tensor({0, 5, 9}, torch::kInt64));
}

TEST_F(ProcessedDatasetTest, OtherShapesAndTypesAreRefused) {
  ExpectRefused("train_data.pt", "affinity", torch::zeros({2}, torch::kFloat32));
  ExpectRefused("train_data.pt", "affinity", torch::zeros({2, 1}, torch::kFloat64));
  ExpectRefused("train_data.pt", "drug", torch::zeros({3}, torch::kInt32));
  ExpectRefused("train_data.pt", "drug", std::string("0"));
  ExpectRefused("entities.pt", "atom_features", torch::zeros({3, kAtomFeatures + 1}, torch::kUInt8));
  ExpectRefused("entities.pt", "smiles", std::string("CO"));
  ExpectRefused("entities.pt", "sequences", c10::List<int64_t>({1, 2}));
}

TEST_F(ProcessedDatasetTest, ValuesThatAreNotFiniteAreRefused) {
  ExpectRefused("train_data.pt", "affinity", torch::full({2}, std::nan(""), torch::kFloat64));
  ExpectRefused("scaler_params.pt", "mean", MakeNumber(std::nan("")));
  ExpectRefused("scaler_params.pt", "sd", MakeNumber(0.0));
  ExpectRefused("scaler_params.pt", "sd", int64_t{1});
}

TEST_F(ProcessedDatasetTest, APartOfAnotherSizeThanTheManifestSaysIsRefused) {
  ProcessedDataset dataset = MakeSmallDataset();
  dataset.manifest.train_pairs = 3;
  Save(dataset);
  const absl::Status status = LoadProcessedDataset(dir_.path(), kAllParts).status();
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("train_data.pt"), HasSubstr("number of pairs")));
}

}  // namespace
}  // namespace deepbindnet
