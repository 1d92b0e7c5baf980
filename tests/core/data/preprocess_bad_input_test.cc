// Rows, files and options that cannot be used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "tests/core/data/preprocess_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

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

TEST_F(PreprocessTest, OneHugeAffinityDoesNotSpoilTheDataSet) {
  ASSERT_TRUE(Prepare("smiles,sequence,pKd,fold\nC,MK,1,a\nCC,MK,3,a\nCCC,MK,1e200,a\nCCCC,MK,1,test\n",
                      WithoutValidation(SplitMethod::kColumn))
                  .ok());
  EXPECT_THAT(Rejected(), HasSubstr("\n4,3,affinity '1e200' is out of range"));
  EXPECT_EQ(Load().scaler.mean, 2.0);
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

TEST_F(PreprocessTest, NothingButRejectedRowsIsAnErrorWhateverIsAllowed) {
  const absl::Status status = Prepare("smiles,sequence,pKd\nXX,MK,5\n", With(SplitMethod::kRandom)).status();
  EXPECT_EQ(GetReason(status), "TOO_MANY_REJECTED");
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

TEST_F(PreprocessTest, ADamagedFolderIsNamed) {
  dir_.Write("folder/ligands_can.txt", "{}");
  const absl::Status status = Preprocess(dir_ / "folder", output(), {}, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("folder/ligands_can.txt: has no entries"));
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

}  // namespace
}  // namespace deepbindnet
