#include "core/data/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/chem/scaffold.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const std::vector<Part> kAllParts = {Part::kTrain, Part::kVal, Part::kTest};

// Drugs with three scaffolds and none, ten targets, every combination.
std::string MakeGridCsv() {
  const std::vector<std::string> drugs = {"Cc1ccccc1", "CCc1ccccc1", "Oc1ccccc1", "Nc1ccccc1", "CC1CCCCC1", "OC1CCCCC1",
                                          "Cc1ccncc1", "Clc1ccncc1", "CCO",       "CCCO",      "CCN",       "CCCCN"};
  std::string csv = "smiles,sequence,pKd\n";
  for (size_t drug = 0; drug < drugs.size(); ++drug) {
    for (size_t target = 0; target < 10; ++target) {
      absl::StrAppend(&csv, drugs[drug], ",MK", std::string(target + 1, 'V'), ",",
                      5.0 + 0.1 * static_cast<double>(drug) + 0.01 * static_cast<double>(target), "\n");
    }
  }
  return csv;
}

class PreprocessTest : public ::testing::Test {
 protected:
  absl::StatusOr<DatasetManifest> Prepare(const std::string& csv, const PreprocessOptions& options = {}) {
    return Preprocess(dir_.Write("in.csv", csv), output(), options, nullptr);
  }
  ProcessedDataset Load() { return LoadProcessedDataset(output(), kAllParts).value(); }
  std::string output() const { return dir_ / "out"; }
  std::string Rejected() { return ReadFile(output() + "/rejected.csv").value(); }

  static PreprocessOptions With(SplitMethod method) {
    PreprocessOptions options;
    options.split.method = method;
    options.max_rejected = 1.0;
    if (method == SplitMethod::kColumn) options.split.split_column = "fold";
    return options;
  }
  // A few rows alone have none to spare.
  static PreprocessOptions WithoutValidation(SplitMethod method) {
    PreprocessOptions options = With(method);
    options.split.val_size = 0.0;
    return options;
  }

  const TempDir dir_;
};

std::set<int32_t> SetOf(const std::vector<int32_t>& values) { return {values.begin(), values.end()}; }

std::set<int32_t> Shared(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const std::set<int32_t> known = SetOf(a);
  std::set<int32_t> shared;
  for (const int32_t value : b) {
    if (known.count(value)) shared.insert(value);
  }
  return shared;
}

TEST_F(PreprocessTest, WritesADataSetThatLoads) {
  const DatasetManifest manifest = Prepare(MakeGridCsv()).value();
  EXPECT_EQ(manifest.source, "in.csv");
  EXPECT_EQ(manifest.affinity_unit, "pKd");
  EXPECT_EQ(manifest.rows_read, 120);
  EXPECT_EQ(manifest.rows_rejected, 0);
  EXPECT_EQ(manifest.drugs, 12);
  EXPECT_EQ(manifest.targets, 10);
  EXPECT_EQ(manifest.test_pairs, 24);
  EXPECT_EQ(manifest.val_pairs, 10);
  EXPECT_EQ(manifest.train_pairs, 86);
  EXPECT_EQ(manifest.test_pairs_in_train, 0);
  const ProcessedDataset dataset = Load();
  EXPECT_EQ(dataset.manifest.digest, manifest.digest);
  EXPECT_EQ(Rejected(), "line,row,reason\n");
}

TEST_F(PreprocessTest, EveryPairKeepsItsRowAndAffinity) {
  ASSERT_TRUE(Prepare(MakeGridCsv()).ok());
  const ProcessedDataset dataset = Load();
  std::set<int64_t> rows;
  for (const PairTable* part : {&dataset.train, &dataset.val, &dataset.test}) {
    for (size_t i = 0; i < part->row.size(); ++i) {
      const int64_t row = part->row[i];
      EXPECT_TRUE(rows.insert(row).second);
      EXPECT_NEAR(part->affinity[i],
                  5.0 + 0.1 * static_cast<double>((row - 1) / 10) + 0.01 * static_cast<double>((row - 1) % 10), 1e-9);
      EXPECT_EQ(part->drug[i], (row - 1) / 10);
      EXPECT_EQ(part->target[i], (row - 1) % 10);
    }
  }
  EXPECT_EQ(rows.size(), 120u);
}

TEST_F(PreprocessTest, ScalerIsFittedOnTrainAlone) {
  ASSERT_TRUE(Prepare("smiles,sequence,pKd,fold\nC,MK,1,0\nCC,MK,3,0\nCCC,MK,100,val\nCCCC,MK,1000,test\n",
                      With(SplitMethod::kColumn))
                  .ok());
  const ProcessedDataset dataset = Load();
  EXPECT_EQ(dataset.scaler.mean, 2.0);
  EXPECT_EQ(dataset.scaler.sd, 1.0);
}

TEST_F(PreprocessTest, WritingsOfOneMoleculeAreOneDrug) {
  const DatasetManifest manifest =
      Prepare("smiles,sequence,pKd,fold\nOCC,MK,5,0\nCCO,mk,7,0\nC(O)C,MK*,6,val\nCCO,MK,8,test\n",
              With(SplitMethod::kColumn))
          .value();
  EXPECT_EQ(manifest.drugs, 1);
  EXPECT_EQ(manifest.targets, 1);
  EXPECT_EQ(manifest.duplicates_merged, 1);
  const ProcessedDataset dataset = Load();
  EXPECT_THAT(dataset.train.affinity, ElementsAre(6.0));
  EXPECT_THAT(dataset.train.row, ElementsAre(1));
  EXPECT_EQ(dataset.molecules.front().canonical_smiles, "CCO");
}

TEST_F(PreprocessTest, GivenTestRowsAreAllKept) {
  const DatasetManifest manifest =
      Prepare("smiles,sequence,pKd,fold\nC,MK,1,0\nC,MK,2,1\nC,MK,3,test\nC,MK,4,test\nCC,MK,5,0\nCC,MV,5,test\n",
              WithoutValidation(SplitMethod::kColumn))
          .value();
  EXPECT_EQ(manifest.test_pairs, 3);
  EXPECT_EQ(manifest.train_pairs + manifest.val_pairs, 2);
  EXPECT_EQ(manifest.duplicates_merged, 1);
  EXPECT_EQ(manifest.test_pairs_in_train, 2);
  EXPECT_EQ(manifest.test_drugs_in_train, 2);
  EXPECT_EQ(manifest.test_targets_in_train, 1);
}

TEST_F(PreprocessTest, RandomSplitMergesBeforeItSplits) {
  std::string csv = MakeGridCsv();
  csv += csv.substr(csv.find('\n') + 1);  // Every pair twice.
  const DatasetManifest manifest = Prepare(csv).value();
  EXPECT_EQ(manifest.duplicates_merged, 120);
  EXPECT_EQ(manifest.test_pairs, 24);
  EXPECT_EQ(manifest.test_pairs_in_train, 0);
}

TEST_F(PreprocessTest, ColdDrugHasNoTestDrugInTrain) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kColdDrug)).value();
  EXPECT_GT(manifest.test_pairs, 0);
  EXPECT_EQ(manifest.test_drugs_in_train, 0);
  EXPECT_EQ(manifest.test_targets_in_train, 10);
  const ProcessedDataset dataset = Load();
  EXPECT_THAT(Shared(dataset.train.drug, dataset.val.drug), ElementsAre());
}

TEST_F(PreprocessTest, ColdTargetHasNoTestTargetInTrain) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kColdTarget)).value();
  EXPECT_GT(manifest.test_pairs, 0);
  EXPECT_EQ(manifest.test_targets_in_train, 0);
  EXPECT_EQ(manifest.test_drugs_in_train, 12);
}

TEST_F(PreprocessTest, ColdBothHasNeitherAndCountsWhatItDrops) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kColdBoth)).value();
  EXPECT_EQ(manifest.test_drugs_in_train, 0);
  EXPECT_EQ(manifest.test_targets_in_train, 0);
  EXPECT_GT(manifest.pairs_dropped, 0);
  EXPECT_EQ(manifest.pairs_dropped + manifest.train_pairs + manifest.val_pairs + manifest.test_pairs, 120);
}

TEST_F(PreprocessTest, ScaffoldSplitHasNoTestScaffoldInTrain) {
  const DatasetManifest manifest = Prepare(MakeGridCsv(), With(SplitMethod::kScaffold)).value();
  EXPECT_GT(manifest.test_pairs, 0);
  const ProcessedDataset dataset = Load();
  const auto scaffolds = [&dataset](const PairTable& part) {
    std::set<std::string> found;
    for (const int32_t drug : part.drug) {
      const std::string scaffold =
          MurckoScaffold(dataset.molecules[static_cast<size_t>(drug)].canonical_smiles).value();
      if (!scaffold.empty()) found.insert(scaffold);
    }
    return found;
  };
  const std::set<std::string> train = scaffolds(dataset.train);
  for (const std::string& scaffold : scaffolds(dataset.test)) EXPECT_EQ(train.count(scaffold), 0u) << scaffold;
  for (const std::string& scaffold : scaffolds(dataset.val)) EXPECT_EQ(train.count(scaffold), 0u) << scaffold;
  EXPECT_THAT(Shared(dataset.train.drug, dataset.test.drug), ElementsAre());
}

TEST_F(PreprocessTest, TheSeedDecidesTheDigest) {
  PreprocessOptions options;
  const std::string first = Prepare(MakeGridCsv(), options).value().digest;
  EXPECT_EQ(Prepare(MakeGridCsv(), options).value().digest, first);
  options.split.seed = 1;
  EXPECT_NE(Prepare(MakeGridCsv(), options).value().digest, first);
}

TEST_F(PreprocessTest, BadRowsGoToRejectedWithLineAndReason) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  const DatasetManifest manifest = Prepare(
                                       "smiles,sequence,pKd\n"
                                       "C1CC,MK,5\n"
                                       "CC,MK1,5\n"
                                       "CC,,5\n"
                                       "CC,MK,n/a\n"
                                       "CC,MK\n"
                                       "CC,MK,5\n"
                                       ",MK,5\n"
                                       "CCO,MK,6\n",
                                       options)
                                       .value();
  EXPECT_EQ(manifest.rows_read, 8);
  EXPECT_EQ(manifest.rows_rejected, 6);
  EXPECT_EQ(manifest.train_pairs + manifest.val_pairs + manifest.test_pairs, 2);
  EXPECT_EQ(manifest.drugs, 2);
  const std::string rejected = Rejected();
  EXPECT_THAT(rejected, HasSubstr("line,row,reason\n2,1,\"INVALID_SMILES: SMILES 'C1CC' cannot be read"));
  EXPECT_THAT(rejected, HasSubstr("\n3,2,\"INVALID_SEQUENCE: '1' at position 3"));
  EXPECT_THAT(rejected, HasSubstr("\n4,3,INVALID_SEQUENCE: the sequence is empty"));
  EXPECT_THAT(rejected, HasSubstr("\n5,4,affinity 'n/a' is not a finite number\n"));
  EXPECT_THAT(rejected, HasSubstr("\n6,5,\"has 2 fields, the header has 3\"\n"));
  EXPECT_THAT(rejected, HasSubstr("\n8,7,INVALID_SMILES: SMILES '' is empty"));
}

TEST_F(PreprocessTest, TooManyRejectedRowsAreAnErrorAndOnlyRejectedCsvIsWritten) {
  PreprocessOptions options;
  options.max_rejected = 0.2;
  const std::string csv = "smiles,sequence,pKd\nC,MK,5\nCC,MK,5\nXX,MK,5\nCCC,MK,5\nCCCC,MK,\n";
  const absl::Status status = Prepare(csv, options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(status), "TOO_MANY_REJECTED");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("2 of 5 rows"), HasSubstr("line 4"), HasSubstr("'XX'"),
                    HasSubstr("; correct the rows or raise max_rejected; all are in "), HasSubstr("rejected.csv")));
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(output()))
    names.insert(entry.path().filename().string());
  EXPECT_THAT(names, UnorderedElementsAre("rejected.csv"));
  options.max_rejected = 0.4;  // Exactly as many as allowed.
  options.split.val_size = 0.0;
  EXPECT_TRUE(Prepare(csv, options).ok());
}

TEST_F(PreprocessTest, TooManyRejectedRowsEndTheDataSetThatWasThere) {
  ASSERT_TRUE(Prepare(MakeGridCsv()).ok());
  EXPECT_EQ(GetReason(Prepare("smiles,sequence,pKd\nC,MK,5\nXX,MK,5\n").status()), "TOO_MANY_REJECTED");
  EXPECT_THAT(Rejected(), HasSubstr("'XX'"));
  EXPECT_EQ(LoadManifest(output()).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PreprocessTest, AFailureBeforeTheFirstWriteLeavesTheDataSetThatWasThere) {
  const DatasetManifest before = Prepare(MakeGridCsv()).value();
  const std::string rejected = Rejected();
  const absl::Status no_training_row =
      Prepare("smiles,sequence,pKd,fold\nC,MK,5,test\nXX,MK,5,test\n", With(SplitMethod::kColumn)).status();
  EXPECT_THAT(std::string(no_training_row.message()), HasSubstr("leaves none to train on"));
  EXPECT_FALSE(Prepare("nothing\n").ok());
  EXPECT_EQ(Load().manifest.digest, before.digest);
  EXPECT_EQ(Rejected(), rejected);
}

TEST_F(PreprocessTest, ASplitColumnWithoutATestRowIsAnErrorThatShowsItsLabels) {
  const absl::Status status =
      Prepare("smiles,sequence,pKd,fold\nC,M,1,0\nC,M,1,holdout\nC,M,1,0\n", With(SplitMethod::kColumn)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorMetadata(status)["field"], "split_column");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("in.csv: split_column: fold has no value 'test'"),
                    HasSubstr("'0' 2 rows (train), 'holdout' 1 row (train)"), HasSubstr("write test")));
  const std::string validation_alone = "smiles,sequence,pKd,fold\nC,M,1,val\nC,M,1,val\n";
  EXPECT_THAT(std::string(Prepare(validation_alone, With(SplitMethod::kColumn)).status().message()),
              HasSubstr("'val' 2 rows (validation)"));
}

TEST_F(PreprocessTest, APartWhoseRowsAreAllRejectedIsAnErrorThatShowsTheFirst) {
  std::string csv = "smiles,sequence,pKd,fold\n";
  for (int i = 1; i <= 20; ++i) absl::StrAppend(&csv, std::string(static_cast<size_t>(i), 'C'), ",M,1,train\n");
  const auto refused = [&](const std::string& rows) {
    const absl::Status status = Prepare(csv + rows, With(SplitMethod::kColumn)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(GetErrorMetadata(status)["field"], "split_column");
    return std::string(status.message());
  };
  EXPECT_THAT(refused("XX,M,1,test\nXX,M,2,test\nXX,M,3,test\n"),
              AllOf(HasSubstr("in.csv: split_column: fold marks test rows, but all of them are rejected; the first is "
                              "line 22: INVALID_SMILES: SMILES 'XX'"),
                    HasSubstr("; correct them")));
  EXPECT_THAT(refused("C,MV,1,test\nC,M1,1,val\n"),
              HasSubstr("fold marks validation rows, but all of them are rejected; the first is line 23: INVALID_SEQ"));
  EXPECT_TRUE(Prepare(csv + "C,MV,1,test\nXX,M,1,test\n", With(SplitMethod::kColumn)).ok());
}

TEST_F(PreprocessTest, AShareThatLeavesItsPartEmptyIsAnError) {
  const absl::Status status = Prepare("smiles,sequence,pKd\nC,MK,5\nCC,MK,5\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorMetadata(status)["field"], "test_size");
}

TEST_F(PreprocessTest, TheManifestHasTheLabelsOfTheSplitColumn) {
  ASSERT_TRUE(Prepare("smiles,sequence,pKd,fold\nC,MK,1,a\nCC,MK,3,a\nCCC,MK,1,valid\nCCCC,MK,1,test\n",
                      With(SplitMethod::kColumn))
                  .ok());
  const DatasetManifest manifest = Load().manifest;
  EXPECT_THAT(manifest.split_labels, ElementsAre(Pair("a", 2), Pair("test", 1), Pair("valid", 1)));
  EXPECT_EQ(manifest.train_pairs, 2);
  EXPECT_EQ(manifest.val_pairs, 1);
  EXPECT_EQ(manifest.test_pairs, 1);
}

TEST_F(PreprocessTest, OneHugeAffinityDoesNotSpoilTheDataSet) {
  ASSERT_TRUE(Prepare("smiles,sequence,pKd,fold\nC,MK,1,a\nCC,MK,3,a\nCCC,MK,1e200,a\nCCCC,MK,1,test\n",
                      WithoutValidation(SplitMethod::kColumn))
                  .ok());
  EXPECT_THAT(Rejected(), HasSubstr("\n4,3,affinity '1e200' is out of range"));
  EXPECT_EQ(Load().scaler.mean, 2.0);
}

TEST_F(PreprocessTest, NothingButRejectedRowsIsAnErrorWhateverIsAllowed) {
  const absl::Status status = Prepare("smiles,sequence,pKd\nXX,MK,5\n", With(SplitMethod::kRandom)).status();
  EXPECT_EQ(GetReason(status), "TOO_MANY_REJECTED");
}

TEST_F(PreprocessTest, GzippedInputGivesTheSameDataSet) {
  const std::string plain = Prepare(MakeGridCsv()).value().digest;
  const std::string path = dir_ / "in.csv.gz";
  const std::string csv = MakeGridCsv();
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, csv.data(), static_cast<unsigned>(csv.size()));
  gzclose(file);
  EXPECT_EQ(Preprocess(path, output(), {}, nullptr).value().digest, plain);
}

TEST_F(PreprocessTest, WindowsFilesGiveTheSameDataSet) {
  const std::string plain = Prepare(MakeGridCsv()).value().digest;
  std::string csv = "\xEF\xBB\xBF";
  for (const char c : MakeGridCsv()) csv += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(Prepare(csv).value().digest, plain);
}

TEST_F(PreprocessTest, TheOrderOfColumnsAndTheirQuotesDoNotMatter) {
  const std::string plain =
      Prepare("smiles,sequence,pKd,fold\nCC,MK,5,a\nCO,MK,6,a\nCN,MV,7,test\n", WithoutValidation(SplitMethod::kColumn))
          .value()
          .digest;
  const std::string other =
      "\"fold\",\"p\"\"Kd\"\"\",\"note, with\na line\",sequence,smiles\na,5,,MK,CC\na,\"6\",\"x,\"\"y\"\"\",MK,\"CO\"\n"
      "test,7,,MV,CN\n";
  EXPECT_EQ(Prepare(other, WithoutValidation(SplitMethod::kColumn)).value().digest, plain);
}

TEST_F(PreprocessTest, AFolderGivesTheDataOfTheCsvFileThatItStandsFor) {
  const std::string folder = dir_ / "davis";
  dir_.Write("davis/ligands_can.txt", R"({"7": "OCC", "3": "CCO", "9": "c1ccccc1O"})");
  dir_.Write("davis/proteins.txt", R"json({"ABL1": "MKV", "ABL1(E255K)": "MKV", "ABL2": "MKVV"})json");
  dir_.Write("davis/drug-target_interaction_affinities_Kd__Davis_et_al.2011v1.txt",
             "43 10000 2900\n180 nan 76\n7 0.3 10000\n");
  dir_.Write("davis/folds/train_fold_setting1.txt", "[[0, 3, 5], [1, 2]]");
  dir_.Write("davis/folds/test_fold_setting1.txt", "[4, 6, 7]");
  PreprocessOptions options = With(SplitMethod::kColumn);
  options.split.val_size = 0.3;
  const DatasetManifest manifest = Preprocess(folder, output(), options, nullptr).value();
  EXPECT_EQ(manifest.source, "davis");
  EXPECT_EQ(manifest.affinity_unit, "pKd");
  EXPECT_EQ(manifest.affinity_direction, AffinityDirection::kHigherBindsTighter);
  EXPECT_EQ(manifest.rows_read, 8);
  EXPECT_EQ(manifest.test_pairs, 3);

  std::string csv = "target_sequence,fold,pKd,compound_iso_smiles\n";
  const auto add = [&csv](const char* sequence, const char* fold, double nanomolar, const char* smiles) {
    absl::StrAppend(&csv, sequence, ",", fold, ",", absl::StrFormat("%.17g", -std::log10(nanomolar / 1e9)), ",", smiles,
                    "\n");
  };
  add("MKV", "0", 43, "OCC");
  add("MKV", "1", 10000, "OCC");
  add("MKVV", "1", 2900, "OCC");
  add("MKV", "0", 180, "CCO");
  add("MKVV", "test", 76, "CCO");
  add("MKV", "0", 7, "c1ccccc1O");
  add("MKV", "test", 0.3, "c1ccccc1O");
  add("MKVV", "test", 10000, "c1ccccc1O");
  EXPECT_EQ(Prepare(csv, options).value().digest, manifest.digest);
}

TEST_F(PreprocessTest, ADamagedFolderIsNamed) {
  dir_.Write("folder/ligands_can.txt", "{}");
  const absl::Status status = Preprocess(dir_ / "folder", output(), {}, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("folder/ligands_can.txt: has no entries"));
}

TEST_F(PreprocessTest, MixedUnitsAreRefusedAndLeaveWhatWasThere) {
  ASSERT_TRUE(Prepare(MakeGridCsv()).ok());
  const absl::Status status = Prepare("smiles,sequence,Kd,unit\nC,MK,5,nM\nCC,MK,5,uM\nCCC,MK,6,nM\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetReason(status), "MIXED_UNITS");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("in.csv: the column 'unit' has several units: 'nM' in 2 rows (first line 2), 'uM' in 1 row "
                        "(first line 3); convert all affinities to one unit"));
  EXPECT_EQ(Load().manifest.affinity_unit, "pKd");
}

TEST_F(PreprocessTest, OneUnitIsTheAffinitysAndDecidesTheDirection) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  const std::string csv = "smiles,sequence,Kd,Standard Units\nC,MK,5, nM\nCC,MK,5,nM \n";
  ASSERT_TRUE(Prepare(csv, options).ok());
  EXPECT_EQ(Load().manifest.affinity_unit, "nM");
  EXPECT_EQ(Load().manifest.affinity_direction, AffinityDirection::kLowerBindsTighter);
  options.affinity_unit = "score";
  options.affinity_direction = AffinityDirection::kHigherBindsTighter;
  ASSERT_TRUE(Prepare(csv, options).ok());
  EXPECT_EQ(Load().manifest.affinity_unit, "score");
  EXPECT_EQ(Load().manifest.affinity_direction, AffinityDirection::kHigherBindsTighter);
}

TEST_F(PreprocessTest, ADirectionThatNothingTellsIsUnknown) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  EXPECT_EQ(Prepare("smiles,sequence,y\nC,MK,5\n", options).value().affinity_direction, AffinityDirection::kUnknown);
}

TEST_F(PreprocessTest, FeaturesAreStoredOncePerProteinAndChangeTheDigest) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  const std::string without = Prepare("smiles,sequence,pKd\nC,MK,5\nCC,MV,6\nCC,mk*,7\n", options).value().digest;
  const std::string header = "smiles,sequence,pKd,protein_features\n";
  const DatasetManifest manifest = Prepare(header + "C,MK,5,\nCC,MV,6,-1 2e-1\nCC,mk*,7,0.5 3\n", options).value();
  EXPECT_EQ(manifest.protein_feature_dim, 2);
  EXPECT_NE(manifest.digest, without);
  const ProcessedDataset dataset = Load();
  EXPECT_THAT(dataset.proteins[0].features, ElementsAre(0.5F, 3.0F));
  EXPECT_THAT(dataset.proteins[1].features, ElementsAre(-1.0F, 0.2F));
  EXPECT_NE(Prepare(header + "C,MK,5,\nCC,MV,6,-1 2e-1\nCC,mk*,7,0.5 4\n", options).value().digest, manifest.digest);
}

TEST_F(PreprocessTest, AProteinWithoutFeaturesIsNamed) {
  PreprocessOptions options = WithoutValidation(SplitMethod::kRandom);
  options.split.test_size = 0.0;
  const std::string header = "smiles,sequence,pKd,protein_features\n";
  const absl::Status status = Prepare(header + "C,MK,5,1 2\nCC,MV,6,\n", options).status();
  EXPECT_EQ(GetReason(status), "MISSING_PROTEIN_FEATURES");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("in.csv: protein 'MV' (2 residues) has no vector of features; give it one under its sequence"));
  // A row that is rejected needs none.
  EXPECT_TRUE(Prepare(header + "C,MK,5,1 2\nCC,MK,5,\nCC,M1,6,\n", options).ok());
}

TEST_F(PreprocessTest, WritingsOfOneSequenceWithDifferentFeaturesAreAnError) {
  const absl::Status status = Prepare("smiles,sequence,pKd,protein_features\nC,MK,5,1 2\nCC,mk,6,1 3\n").status();
  EXPECT_EQ(GetReason(status), "AMBIGUOUS_PROTEIN_FEATURES");
  EXPECT_THAT(std::string(status.message()), HasSubstr("protein 'MK' (2 residues) has two different vectors"));
}

TEST_F(PreprocessTest, UnitAndColumnMayBeGiven) {
  PreprocessOptions options;
  options.affinity_column = "b";
  options.affinity_unit = "ddG";
  options.split.test_size = 0.0;
  options.split.val_size = 0.0;
  EXPECT_EQ(Prepare("smiles,sequence,a,b\nC,MK,1,2\n", options).value().affinity_unit, "ddG");
  EXPECT_THAT(Load().train.affinity, ElementsAre(2.0));
}

TEST_F(PreprocessTest, BadOptionsAreRefusedBeforeTheFileIsRead) {
  PreprocessOptions options;
  options.max_rejected = 1.5;
  EXPECT_EQ(GetErrorMetadata(Preprocess("missing.csv", output(), options, nullptr).status())["field"], "max_rejected");
  options = With(SplitMethod::kColumn);
  options.split.split_column = "";
  EXPECT_EQ(GetErrorMetadata(Preprocess("missing.csv", output(), options, nullptr).status())["field"], "split_column");
}

TEST_F(PreprocessTest, AMissingFileIsNotFound) {
  EXPECT_EQ(Preprocess(dir_ / "missing.csv", output(), {}, nullptr).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PreprocessTest, AnUnwritableOutputIsAnErrorThatNamesIt) {
  dir_.Write("file", "x");
  const absl::Status status = Preprocess(dir_.Write("in.csv", MakeGridCsv()), dir_ / "file/out", {}, nullptr).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir_ / "file"));
}

TEST_F(PreprocessTest, ProgressReachesTheTotalOfEveryPhase) {
  std::map<std::string, std::pair<int64_t, int64_t>> last;
  ASSERT_TRUE(Preprocess(dir_.Write("in.csv", MakeGridCsv()), output(), {},
                         [&last](absl::string_view phase, int64_t done, int64_t total) {
                           last[std::string(phase)] = {done, total};
                         })
                  .ok());
  ASSERT_EQ(last.size(), 3u);
  for (const std::string phase : {"reading", "featurising", "writing"}) {
    EXPECT_EQ(last[phase].first, last[phase].second) << phase;
    EXPECT_GT(last[phase].second, 0) << phase;
  }
}

}  // namespace
}  // namespace deepbindnet
