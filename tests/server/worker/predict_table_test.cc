#include "server/worker/predict_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "tests/server/predict/fake_predictor.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class PredictTableTest : public ::testing::Test {
 protected:
  absl::StatusOr<PredictTableSummary> Predict(const std::string& csv, bool explain = false) {
    PredictTableOptions options;
    options.input = directory_.Write("in.csv", csv);
    options.output = directory_ / "out.csv";
    if (explain) options.explain.directory = directory_ / "explained";
    return PredictTable(predictor_, options, [this](int64_t rows) { heard_.push_back(rows); });
  }
  std::string Output() const { return ReadFile(directory_ / "out.csv").value_or("none"); }

  const TempDir directory_;
  const FakePredictor predictor_;
  std::vector<int64_t> heard_;
};

TEST_F(PredictTableTest, KeepsTheColumnsAndSaysWhyARowHasNoPrediction) {
  ASSERT_OK_AND_ASSIGN(const PredictTableSummary summary,
                       Predict("id,Drug,protein,error,prediction_error\n1,CC,M,0.1,old\n\"2,b\",bad,MK,,\n3,CC\n"
                               "4,CC,MKV,,\n"));
  EXPECT_EQ(Output(),
            "id,Drug,protein,error,predicted_affinity,predicted_unit,prediction_error\n"
            "1,CC,M,0.1,102,pKd,\n"
            "\"2,b\",bad,MK,,,,bad cannot be read\n"
            "3,CC,,,,,the row has 2 fields and not the header's 5\n"
            "4,CC,MKV,,302,pKd,\n");
  EXPECT_EQ(summary.rows, 4);
  EXPECT_EQ(summary.predicted, 2);
  EXPECT_EQ(summary.failed, 2);
  EXPECT_EQ(summary.first_failure, "line 3: bad cannot be read");
  EXPECT_THAT(heard_, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(predictor_.explained(), 0);
}

TEST_F(PredictTableTest, ExplainsTheRowsThatHaveAPrediction) {
  ASSERT_THAT(Predict("smiles,sequence\nCC,M\nbad,M\nCCC,MK\n", /*explain=*/true), IsOk());
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "explained")) {
    names.insert(entry.path().filename());
  }
  EXPECT_THAT(names, ElementsAre("row-1.json", "row-1.svg", "row-3.json", "row-3.svg"));
  EXPECT_THAT(*ReadFile(directory_ / "explained/row-3.json"), HasSubstr(R"("predicted_affinity":203.0)"));
}

TEST_F(PredictTableTest, ExplanationsAloneNeedNoOutput) {
  PredictTableOptions options;
  options.input = directory_.Write("in.csv", "smiles,sequence\nCC,M\n");
  options.explain.directory = directory_ / "explained";
  ASSERT_THAT(PredictTable(predictor_, options, [](int64_t) {}), IsOk());
  EXPECT_THAT(directory_.Names(), ElementsAre("explained", "in.csv"));
}

TEST_F(PredictTableTest, ManyRowsArePredictedInTurnsWithDistinctTextsOnce) {
  std::string csv = "smiles,sequence\n",
              expected = "smiles,sequence,predicted_affinity,predicted_unit,prediction_error\n";
  for (int i = 0; i < 5000; ++i) {
    absl::StrAppend(&csv, std::string(1 + i % 3, 'C'), ",MKV\n");
    absl::StrAppend(&expected, std::string(1 + i % 3, 'C'), ",MKV,", 301 + i % 3, ",pKd,\n");
  }
  ASSERT_THAT(Predict(csv), IsOk());
  EXPECT_EQ(Output(), expected);
  ASSERT_THAT(predictor_.calls(), SizeIs(2));
  EXPECT_THAT(predictor_.calls()[0].smiles, SizeIs(3));
  EXPECT_THAT(predictor_.calls()[0].sequences, ElementsAre("MKV"));
  EXPECT_THAT(predictor_.calls()[0].pairs, SizeIs(4096));
}

TEST_F(PredictTableTest, VectorsGoToTheModelOncePerProteinAndVector) {
  PredictTableOptions options;
  options.input =
      directory_.Write("in.csv", "smiles,sequence,protein_id\nC,MA,\nC,mk,P1\nCC,mk,P1\nC,MV,P2\nC,MV,P3\nCC,MV,P2\n");
  options.protein_features = directory_ / "v.npy";
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }\n";
  const float values[] = {1.0F, 2.0F, 3.0F};
  directory_.Write("v.npy", absl::StrCat("\x93NUMPY\x01", std::string(1, '\0'), std::string(1, char(header.size())),
                                         std::string(1, '\0'), header,
                                         std::string(reinterpret_cast<const char*>(values), sizeof(values))));
  directory_.Write("v.txt", "MK\nP2\nP3\n");
  ASSERT_THAT(PredictTable(predictor_, options, [](int64_t) {}), IsOk());
  ASSERT_THAT(predictor_.calls(), SizeIs(1));
  const PredictionInput input = predictor_.calls()[0];
  EXPECT_THAT(input.sequences, ElementsAre("MA", "mk", "MV", "MV"));
  EXPECT_THAT(input.features, ElementsAre(ElementsAre(), ElementsAre(1.0F), ElementsAre(2.0F), ElementsAre(3.0F)));
  EXPECT_EQ(input.pairs[2].target, 1);
  EXPECT_EQ(input.pairs[4].target, 3);
  EXPECT_EQ(input.pairs[5].target, 2);
  options.protein_features = directory_ / "none.pt";
  EXPECT_THAT(PredictTable(predictor_, options, [](int64_t) {}), IsError(kInvalid, "INVALID_ARGUMENT", "none.pt"));
}

TEST_F(PredictTableTest, CompressedTableIsReadAsItIs) {
  PredictTableOptions options;
  options.input = directory_ / "in.csv.gz";
  options.output = directory_ / "out.csv";
  gzFile file = gzopen(options.input.c_str(), "wb");
  ASSERT_GT(gzputs(file, "smiles,sequence\nCC,MK\n"), 0);
  gzclose(file);
  ASSERT_THAT(PredictTable(predictor_, options, [](int64_t) {}), IsOk());
  EXPECT_THAT(Output(), HasSubstr("CC,MK,202,pKd,\n"));
}

TEST_F(PredictTableTest, TableThatCannotBeReadIsNamedAndLeavesNothing) {
  EXPECT_THAT(Predict(""), IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: is empty; it needs a header"));
  EXPECT_THAT(Predict("a,sequence\n"), IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: has no SMILES column"));
  EXPECT_THAT(Predict("smiles,b\n"), IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: has no sequence column"));
  EXPECT_THAT(Predict("smiles,sequence\n"), IsError(kInvalid, "INVALID_ARGUMENT", "in.csv: has a header and no rows"));
  EXPECT_THAT(Predict("smiles,sequence\nC,M\nC"), IsError(kInvalid, "INVALID_ARGUMENT", "line 3: has 1 fields"));
  EXPECT_THAT(Predict("smiles,sequence\npoison,M\n"), IsError(absl::StatusCode::kInternal, "INTERNAL", "poisoned"));
  EXPECT_EQ(Output(), "none");
  PredictTableOptions options;
  options.input = directory_ / "nowhere.csv";
  EXPECT_THAT(PredictTable(predictor_, options, [](int64_t) {}),
              IsError(absl::StatusCode::kNotFound, "NOT_FOUND", "nowhere.csv"));
}

}  // namespace
}  // namespace deepbindnet
