#include "proto/flags/predict_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/Error.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

PredictFlags Parse(std::vector<std::string> arguments) {
  CLI::App app;
  PredictFlags flags;
  AddPredictFlags(&flags, &app);
  std::reverse(arguments.begin(), arguments.end());  // As CLI11 takes them.
  app.parse(arguments);
  return flags;
}

std::string ErrorOf(const std::vector<std::string>& arguments) {
  try {
    Parse(arguments);
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return "";
}

TEST(PredictFlagsTest, EachOptionSetsItsField) {
  const PredictFlags flags =
      Parse({"--smiles", "C", "--sequence", "M", "--input", "i.csv", "--output", "o.csv", "--protein-features", "v.pt",
             "--explain", "d", "--explain-detail", "heads", "--atom-indices"});
  EXPECT_EQ(flags.smiles, "C");
  EXPECT_EQ(flags.sequence, "M");
  EXPECT_EQ(flags.input, "i.csv");
  EXPECT_EQ(flags.output, "o.csv");
  EXPECT_EQ(flags.protein_features, "v.pt");
  EXPECT_EQ(flags.explain, "d");
  EXPECT_EQ(flags.explain_detail, "heads");
  EXPECT_TRUE(flags.atom_indices);
}

TEST(PredictFlagsTest, WhatIsNotGivenIsEmptyAndTheDetailIsLayers) {
  const PredictFlags flags = Parse({});
  for (const std::string* const text :
       {&flags.smiles, &flags.sequence, &flags.input, &flags.output, &flags.protein_features, &flags.explain}) {
    EXPECT_EQ(*text, "");
  }
  EXPECT_EQ(flags.explain_detail, "layers");
  EXPECT_FALSE(flags.atom_indices);
}

TEST(PredictFlagsTest, WhatIsSaidOfAnExplanationNeedsOne) {
  EXPECT_THAT(ErrorOf({"--explain-detail", "heads"}), HasSubstr("--explain-detail requires --explain"));
  EXPECT_THAT(ErrorOf({"--atom-indices"}), HasSubstr("--atom-indices requires --explain"));
  EXPECT_THAT(ErrorOf({"--explain", "d", "--explain-detail", "all"}), HasSubstr("all not in {summary,layers,heads}"));
}

}  // namespace
}  // namespace deepbindnet
