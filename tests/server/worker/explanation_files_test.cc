#include "server/worker/explanation_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "tests/server/predict/fake_predictor.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Explanation Make(const FakePredictor& predictor) { return *predictor.Explain({{"CCC"}, {"MKV"}, {{0, 0}}}, 0); }

TEST(WriteExplanationTest, WritesBothFilesUnderTheRowsNumber) {
  const TempDir directory;
  const FakePredictor predictor;
  ExplanationFileOptions options;
  options.directory = directory / "made/anew";
  options.detail = ExplanationDetail::kHeads;
  ASSERT_THAT(WriteExplanation(Make(predictor), predictor.info(), 12, options), IsOk());
  EXPECT_THAT(directory.Names(), ElementsAre("made"));
  ASSERT_OK_AND_ASSIGN(const std::string json, ReadFile(options.directory + "/row-12.json"));
  EXPECT_EQ(json.back(), '\n');
  EXPECT_EQ(nlohmann::json::parse(json)["atoms"][2]["layers"][0]["head_attention"], nlohmann::json::parse("[0.5]"));
  ASSERT_OK_AND_ASSIGN(const std::string svg, ReadFile(options.directory + "/row-12.svg"));
  EXPECT_THAT(svg, HasSubstr("<svg"));
  const ExplanationFiles files = ExplanationFilesOf(options.directory, 12);
  EXPECT_EQ(files.json, options.directory + "/row-12.json");
  EXPECT_EQ(files.svg, options.directory + "/row-12.svg");
}

TEST(WriteExplanationTest, PlaceThatCannotBeWrittenIsNamed) {
  const TempDir directory;
  const FakePredictor predictor;
  ExplanationFileOptions options;
  const std::string file = directory.Write("file", "");
  options.directory = file + "/below";
  const absl::Status status = WriteExplanation(Make(predictor), predictor.info(), 1, options);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(file));
}

}  // namespace
}  // namespace deepbindnet
