#include "core/evaluation/comparison.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <random>
#include <string>

#include "core/base/file.h"
#include "core/evaluation/gnuplot.h"
#include "core/evaluation/report.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// `gated` errs half as much as `standard`.
ComparisonInput TwoModels(int pairs = 200) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  ComparisonInput input;
  input.dataset = "kiba";
  input.dataset_digest = std::string(64, 'd');
  input.affinity_unit = "KIBA";
  input.models = {{"standard", "standard", std::string(64, '1'), {}}, {"gated", "gated", std::string(64, '2'), {}}};
  for (int i = 0; i < pairs; ++i) {
    const double truth = 11.7 + 0.8 * normal(random);
    const double error = 0.6 * normal(random);
    input.truth.push_back(truth);
    input.models[0].predicted.push_back(truth + error);
    input.models[1].predicted.push_back(truth + error / 2);
  }
  return input;
}

std::vector<std::string> FilesIn(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
  return names;
}

std::string MustRead(const std::string& path) {
  absl::StatusOr<std::string> contents = ReadFile(path);
  EXPECT_TRUE(contents.ok()) << contents.status();
  return contents.ok() ? *contents : "";
}

// Sets an environment variable for a scope.
class ScopedEnvironment {
 public:
  ScopedEnvironment(const char* name, const std::string& value) : name_(name) {
    if (const char* const old = getenv(name)) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~ScopedEnvironment() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* const name_;
  std::optional<std::string> old_;
};

TEST(CompareTest, HalvingEveryErrorImprovesRmseAndMaeByFiftyPercent) {
  const auto comparison = Compare(TwoModels());
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  const ModelComparison& reference = comparison->models[0];
  const ModelComparison& better = comparison->models[1];
  EXPECT_EQ(reference.rmse_improvement_percent, 0.0);
  EXPECT_EQ(reference.mae_improvement_percent, 0.0);
  EXPECT_EQ(reference.r2_improvement_percent, 0.0);
  EXPECT_NEAR(better.rmse_improvement_percent, 50.0, 1e-9);
  EXPECT_NEAR(better.mae_improvement_percent, 50.0, 1e-9);
  EXPECT_GT(better.r2_improvement_percent, 0.0);
}

TEST(CompareTest, WorseModelHasNegativeImprovements) {
  ComparisonInput input = TwoModels();
  std::swap(input.models[0], input.models[1]);
  const auto comparison = Compare(input);
  ASSERT_TRUE(comparison.ok());
  EXPECT_NEAR(comparison->models[1].rmse_improvement_percent, -100.0, 1e-9);
  EXPECT_NEAR(comparison->models[1].mae_improvement_percent, -100.0, 1e-9);
  EXPECT_LT(comparison->models[1].r2_improvement_percent, 0.0);
}

TEST(CompareTest, HigherR2ThanANegativeReferenceIsAnImprovement) {
  ComparisonInput input = TwoModels();
  for (double& value : input.models[0].predicted) value = 0.0;
  const auto comparison = Compare(input);
  ASSERT_TRUE(comparison.ok());
  ASSERT_LT(comparison->models[0].metrics.r2, 0.0);
  EXPECT_GT(comparison->models[1].r2_improvement_percent, 100.0);
}

TEST(CompareTest, ModelAgainstItselfIsZero) {
  ComparisonInput input = TwoModels();
  input.models[1].predicted = input.models[0].predicted;
  const auto comparison = Compare(input);
  ASSERT_TRUE(comparison.ok());
  EXPECT_EQ(comparison->models[1].rmse_improvement_percent, 0.0);
  EXPECT_EQ(comparison->models[1].mae_improvement_percent, 0.0);
  EXPECT_EQ(comparison->models[1].r2_improvement_percent, 0.0);
}

TEST(CompareTest, ImprovementOverAPerfectReferenceIsUndefined) {
  ComparisonInput input = TwoModels();
  input.models[0].predicted = input.truth;
  const auto comparison = Compare(input);
  ASSERT_TRUE(comparison.ok());
  EXPECT_EQ(comparison->models[0].rmse_improvement_percent, 0.0);
  EXPECT_THAT(comparison->models[1].rmse_improvement_percent, IsNan());
}

void ExpectRejected(const ComparisonInput& input, const std::string& message) {
  const absl::Status status = Compare(input).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
}

TEST(CompareTest, RejectsInputsThatDoNotFit) {
  ComparisonInput input = TwoModels();
  input.models.pop_back();
  ExpectRejected(input, "give two or more");
  input = TwoModels();
  input.truth.clear();
  ExpectRejected(input, "kiba has no pairs");
  input = TwoModels();
  input.models[1].predicted.pop_back();
  ExpectRejected(input, "gated has 199 predictions for 200 pairs");
  input = TwoModels();
  input.models[1].name = "standard";
  ExpectRejected(input, "standard is named twice");
  input = TwoModels();
  input.models[1].predicted[3] = std::nan("");
  ExpectRejected(input, "gated has a prediction that is not finite");
}

TEST(WriteComparisonTest, WritesEveryFileWholeAndNothingElse) {
  const ComparisonInput input = TwoModels();
  const TempDir temp;
  const std::string directory = temp / "files";
  ASSERT_TRUE(WriteComparison(input, *Compare(input), directory).ok());
  EXPECT_THAT(FilesIn(directory),
              UnorderedElementsAre("report.json", "report.html", "metrics.csv", "predictions.csv",
                                   "prediction_comparison.png", "prediction_comparison.svg", "error_distribution.png",
                                   "error_distribution.svg", "metrics_comparison.png", "metrics_comparison.svg",
                                   "improvement_percentage.png", "improvement_percentage.svg"));
  for (const char* const chart :
       {"prediction_comparison", "error_distribution", "metrics_comparison", "improvement_percentage"}) {
    const std::string png = MustRead(directory + "/" + chart + ".png");
    EXPECT_THAT(png, StartsWith("\x89PNG")) << chart;
    EXPECT_THAT(png, HasSubstr("IEND")) << chart;
    const std::string svg = MustRead(directory + "/" + chart + ".svg");
    EXPECT_THAT(svg, HasSubstr("</svg>")) << chart;
  }
  EXPECT_THAT(MustRead(directory + "/error_distribution.svg"), HasSubstr("predicted − measured (KIBA)"));
  EXPECT_THAT(MustRead(directory + "/prediction_comparison.svg"), HasSubstr("Measured affinity (KIBA)"));
}

TEST(WriteComparisonTest, TablesHoldTheNumbersOfTheComparison) {
  const ComparisonInput input = TwoModels(50);
  const auto comparison = Compare(input);
  const TempDir temp;
  const std::string directory = temp / "tables";
  ASSERT_TRUE(WriteComparison(input, *comparison, directory).ok());
  const auto report = nlohmann::json::parse(MustRead(directory + "/report.json"));
  EXPECT_EQ(report["dataset"], "kiba");
  EXPECT_EQ(report["pairs"], 50);
  EXPECT_EQ(report["reference"], "standard");
  EXPECT_EQ(report["models"][1]["digest"], std::string(64, '2'));
  EXPECT_DOUBLE_EQ(report["models"][1]["metrics"]["rmse"].get<double>(), comparison->models[1].metrics.rmse);
  EXPECT_NEAR(report["models"][1]["rmse_improvement_percent"].get<double>(), 50.0, 1e-9);

  const std::string metrics = MustRead(directory + "/metrics.csv");
  EXPECT_THAT(metrics, StartsWith("model,model_type,pairs,mse,rmse,mae,r2,pearson,spearman,ci,rm2,"));
  EXPECT_THAT(metrics, HasSubstr("\ngated,gated,50,"));
  const std::string predictions = MustRead(directory + "/predictions.csv");
  EXPECT_THAT(predictions, StartsWith("measured,standard,gated\n"));
  EXPECT_EQ(std::count(predictions.begin(), predictions.end(), '\n'), 51);
}

TEST(WriteComparisonTest, ReportNeedsNothingFromElsewhere) {
  ComparisonInput input = TwoModels();
  input.models[1].name = "<script>alert(1)</script> & 'co'";
  const TempDir temp;
  const std::string directory = temp / "report";
  ASSERT_TRUE(WriteComparison(input, *Compare(input), directory).ok());
  const std::string html = MustRead(directory + "/report.html");
  EXPECT_THAT(html, Not(HasSubstr("http:")));
  EXPECT_THAT(html, Not(HasSubstr("https:")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, Not(HasSubstr("url(")));
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#39;co&#39;"));
  EXPECT_THAT(html, HasSubstr(std::string(64, 'd')));
  EXPECT_THAT(html, HasSubstr(std::string(64, '2')));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
  size_t charts = 0;
  for (size_t at = html.find("<svg"); at != std::string::npos; at = html.find("<svg", at + 1)) ++charts;
  EXPECT_EQ(charts, 4u);
}

TEST(WriteComparisonTest, SurvivesDataWithoutSpread) {
  ComparisonInput input = TwoModels();
  input.truth.assign(input.truth.size(), 5.0);
  for (ModelPredictions& model : input.models) model.predicted = input.truth;
  const TempDir temp;
  const std::string directory = temp / "constant";
  const auto comparison = Compare(input);
  ASSERT_TRUE(comparison.ok());
  const absl::Status status = WriteComparison(input, *comparison, directory);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(MustRead(directory + "/report.json"), HasSubstr("\"r2\": null"));
}

TEST(WriteComparisonTest, DrawsSixModels) {
  ComparisonInput input = TwoModels();
  for (int i = 0; i < 4; ++i) {
    input.models.push_back(input.models[0]);
    input.models.back().name = "model" + std::to_string(i);
  }
  const TempDir temp;
  const std::string directory = temp / "six";
  const absl::Status status = WriteComparison(input, *Compare(input), directory);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(MustRead(directory + "/metrics_comparison.svg"), HasSubstr("model3"));
}

TEST(WriteComparisonTest, WithoutGnuplotIsUnavailableAndSaysWhatToInstall) {
  const ComparisonInput input = TwoModels();
  const TempDir temp;
  const std::string directory = temp / "no_gnuplot";
  const ScopedEnvironment path("PATH", "/nonexistent");
  const absl::Status status = WriteComparison(input, *Compare(input), directory);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(GetReason(status), "GNUPLOT_MISSING");
  EXPECT_THAT(std::string(status.message()), HasSubstr("install the package gnuplot-nox"));
  EXPECT_FALSE(std::filesystem::exists(directory + "/report.html"));
}

TEST(WriteComparisonTest, LeavesNoTemporaryDirectory) {
  const TempDir temp;
  const std::string temporary = temp / "temporary", output = temp / "output";
  ASSERT_TRUE(MakeDirectories(temporary).ok());
  const ScopedEnvironment tmpdir("TMPDIR", temporary);
  const ComparisonInput input = TwoModels(20);
  ASSERT_TRUE(WriteComparison(input, *Compare(input), output).ok());
  EXPECT_TRUE(std::filesystem::is_empty(temporary));
}

TEST(SummarizeComparisonTest, SaysWhoIsBetterByHowMuchAndInWhichUnit) {
  const ComparisonInput input = TwoModels();
  const std::string summary = SummarizeComparison(input, *Compare(input));
  EXPECT_THAT(summary, HasSubstr("Measured on 200 pairs of kiba."));
  EXPECT_THAT(summary, HasSubstr("The RMSE of gated is 50.0 % lower than that of standard"));
  EXPECT_THAT(summary, HasSubstr(" KIBA"));
}

TEST(RunGnuplotTest, FailureCarriesGnuplotsLastWords) {
  const TempDir temp;
  const std::string directory = temp / "failure";
  ASSERT_TRUE(MakeDirectories(directory).ok());
  const absl::Status status = RunGnuplot(directory, "plot 'no_such_file.dat'\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("gnuplot failed"));
}

TEST(GnuplotQuoteTest, LeavesNothingThatEndsTheLiteralOrRunsAProgram) {
  EXPECT_EQ(GnuplotQuote("a b"), "'a b'");
  EXPECT_EQ(GnuplotQuote("it's `id`\n"), "'it’s ’id’ '");
}

}  // namespace
}  // namespace deepbindnet
