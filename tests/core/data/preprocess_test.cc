// What is written of an input, and that it loads.
#include "core/data/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/core/data/preprocess_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;

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

TEST_F(PreprocessTest, TheSeedDecidesTheDigest) {
  PreprocessOptions options;
  const std::string first = Prepare(MakeGridCsv(), options).value().digest;
  EXPECT_EQ(Prepare(MakeGridCsv(), options).value().digest, first);
  options.split.seed = 1;
  EXPECT_NE(Prepare(MakeGridCsv(), options).value().digest, first);
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
