// `deepbindnet-worker predict` as people and scripts use it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "tests/server/worker/worker_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr char kAspirin[] = "CC(=O)Oc1ccccc1C(=O)O";
constexpr char kSequence[] = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ";

// Trained once in this process.
const std::string& Checkpoint() {
  static const std::string* const path = [] {
    const std::string directory = TestDirectory("predicting_model");
    std::vector<std::string> arguments = {"train", "--data_dir", SyntheticDataset(), "--output_dir", directory};
    for (const std::string& flag : TinyFlags()) arguments.push_back(flag);
    EXPECT_EQ(RunWorker(arguments).exit_code, 0);
    return new std::string(directory + "/best_model.pt");
  }();
  return *path;
}

Finished Predict(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"predict", "--checkpoint", Checkpoint()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunWorker(arguments);
}

TEST(PredictCommandTest, PredictsOnePair) {
  const Finished finished = Predict({"--smiles", kAspirin, "--sequence", kSequence});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, MatchesRegex("-?[0-9]+\\.[0-9]{4} pKd  \\(gated model\\)\n"));
}

TEST(PredictCommandTest, ExplainsOnePairForPeopleAndForScripts) {
  const std::string directory = TestDirectory("explained_pair");
  const std::vector<std::string> arguments = {"--smiles",         kAspirin,    "--sequence",
                                              kSequence,          "--explain", directory,
                                              "--explain_detail", "heads",     "--atom-indices"};
  const Finished lines = Predict(arguments);
  ASSERT_EQ(lines.exit_code, 0) << lines.err;
  EXPECT_THAT(lines.out, HasSubstr("atoms by importance, of 13 in CC(=O)Oc1ccccc1C(=O)O"));
  EXPECT_THAT(lines.out, HasSubstr("residues by importance, of 33 in 2 spans"));
  EXPECT_THAT(lines.out, HasSubstr(absl::StrCat("wrote ", directory, "/row-1.json and ", directory, "/row-1.svg\n")));

  std::vector<std::string> json_arguments = arguments;
  json_arguments.push_back("--json");
  const Finished json = Predict(json_arguments);
  ASSERT_EQ(json.exit_code, 0) << json.err;
  const nlohmann::json object = json.Objects().at(0);
  EXPECT_EQ(object["state"], "SUCCEEDED");
  EXPECT_EQ(object["predicted_affinity"], object["explanation"]["predicted_affinity"]);
  EXPECT_EQ(object["model_digest"], object["explanation"]["model_digest"]);
  EXPECT_EQ(object["explanation"]["atoms"].size(), 13u);
  EXPECT_FALSE(object["explanation"]["atoms"][0]["layers"][0]["head_attention"].empty());
  ASSERT_OK_AND_ASSIGN(const std::string file, ReadFile(object["explanation_json"].get<std::string>()));
  EXPECT_EQ(nlohmann::json::parse(file), object["explanation"]);
  ASSERT_OK_AND_ASSIGN(const std::string svg, ReadFile(object["explanation_svg"].get<std::string>()));
  EXPECT_THAT(svg, HasSubstr("class='note'"));
}

TEST(PredictCommandTest, PredictsAndExplainsATable) {
  const std::string directory = TestDirectory("explained_table");
  WriteTestFile(directory + "/in.csv",
                absl::StrCat("smiles,sequence\n", kAspirin, ",", kSequence, "\nC1CC,MK\nC,MK\n"));
  const Finished finished = Predict({"--input", directory + "/in.csv", "--output", directory + "/out.csv", "--explain",
                                     directory + "/explained", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const nlohmann::json object = finished.Objects().back();
  EXPECT_EQ(object["rows"], 3);
  EXPECT_EQ(object["predicted"], 2);
  EXPECT_EQ(object["failed"], 1);
  ASSERT_OK_AND_ASSIGN(const std::string csv, ReadFile(directory + "/out.csv"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4);
  EXPECT_TRUE(std::filesystem::exists(directory + "/explained/row-1.svg"));
  EXPECT_FALSE(std::filesystem::exists(directory + "/explained/row-2.json"));
  EXPECT_TRUE(std::filesystem::exists(directory + "/explained/row-3.json"));
}

TEST(PredictCommandTest, WhatCannotBePredictedIsOneLine) {
  const Finished smiles = Predict({"--smiles", "C1CC", "--sequence", kSequence});
  EXPECT_EQ(smiles.exit_code, 1);
  EXPECT_THAT(smiles.err, StartsWith("deepbindnet-worker: SMILES 'C1CC'"));
  EXPECT_EQ(std::count(smiles.err.begin(), smiles.err.end(), '\n'), 1);

  const Finished checkpoint =
      RunWorker({"predict", "--checkpoint", "/nonexistent.pt", "--smiles", "C", "--sequence", "M"});
  EXPECT_EQ(checkpoint.exit_code, 1);
  EXPECT_THAT(checkpoint.err, HasSubstr("/nonexistent.pt"));

  const std::string directory = TestDirectory("hopeless_table");
  WriteTestFile(directory + "/in.csv", "smiles,sequence\nC1CC,MK\n");
  const Finished table = Predict({"--input", directory + "/in.csv", "--output", directory + "/out.csv"});
  EXPECT_EQ(table.exit_code, 1);
  EXPECT_THAT(table.err, HasSubstr("no row could be predicted; line 2: SMILES 'C1CC'"));
}

TEST(PredictCommandTest, WrongUsageIsOneLine) {
  const auto expect = [](const std::vector<std::string>& arguments, const std::string& message) {
    std::vector<std::string> all = {"predict", "--checkpoint", "c"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished finished = RunWorker(all);
    EXPECT_EQ(finished.exit_code, 2) << message;
    EXPECT_THAT(finished.err, HasSubstr(message));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    EXPECT_THAT(finished.out, IsEmpty());
  };
  expect({"--smiles", "C"}, "give --smiles and --sequence for one pair");
  expect({"--input", "in.csv"}, "--input with --output or --explain for a CSV");
  expect({"--input", "in.csv", "--output", "o", "--smiles", "C", "--sequence", "M"}, "give --smiles and --sequence");
  expect({"--smiles", "C", "--sequence", "M", "--explain-detail", "heads"}, "--explain");
  expect({"--smiles", "C", "--sequence", "M", "--explain", "d", "--explain-detail", "all"}, "all");
}

}  // namespace
}  // namespace deepbindnet
