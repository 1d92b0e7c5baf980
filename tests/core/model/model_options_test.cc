#include "core/model/model_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

auto IsInvalid(const std::string& message) {
  return IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", message);
}

TEST(ModelOptionsTest, DefaultsAreValid) { EXPECT_TRUE(ValidateModelOptions({}).ok()); }

TEST(ModelOptionsTest, ErrorNamesFieldAndValue) {
  ModelOptions options;
  options.hidden_dim = 2000;
  const absl::Status status = ValidateModelOptions(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorMetadata(status).at("field"), "hidden_dim");
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("2000"));
}

TEST(ModelOptionsTest, HeadsMustDivideHiddenDim) {
  ModelOptions options;
  options.fusion_heads = 5;
  EXPECT_THAT(std::string(ValidateModelOptions(options).message()), testing::HasSubstr("multiple of fusion_heads (5)"));
}

TEST(ModelOptionsTest, TokensHaveThreeSizes) {
  ModelOptions options;
  for (const int residues : {8, 16, 32}) {
    options.residues_per_token = residues;
    EXPECT_TRUE(ValidateModelOptions(options).ok()) << residues;
  }
  for (const int residues : {0, 12, 64}) {
    options.residues_per_token = residues;
    EXPECT_THAT(ValidateModelOptions(options),
                IsInvalid("residues_per_token: " + std::to_string(residues) + " is not 8, 16 or 32"));
  }
}

TEST(CheckRangeTest, SaysWhichEndBelongsToTheRange) {
  EXPECT_TRUE(CheckRange("x", 0, {0, 1}).ok());
  EXPECT_TRUE(CheckRange("x", 1, {0, 1, /*low_excluded=*/true}).ok());
  EXPECT_THAT(CheckRange("x", 1.5, {0, 1}), IsInvalid("x: 1.5 is not in [0, 1]"));
  EXPECT_THAT(CheckRange("x", 0, {0, 1, /*low_excluded=*/true}), IsInvalid("x: 0 is not in (0, 1]"));
  EXPECT_THAT(CheckRange("x", NAN, {0, 1, /*low_excluded=*/true}), IsInvalid("x: nan is not in (0, 1]"));
}

TEST(CheckSequenceLengthTest, TheLongestIsTaken) {
  ModelOptions options;
  options.max_sequence_length = 20;
  EXPECT_TRUE(CheckSequenceLength(20, options).ok());
  EXPECT_THAT(CheckSequenceLength(21, options),
              IsError(absl::StatusCode::kInvalidArgument, "SEQUENCE_TOO_LONG",
                      "sequence of 21 residues: this model takes at most 20 (max_sequence_length)"));
}

TEST(ModelOptionsTest, NotANumberIsOutOfRange) {
  ModelOptions options;
  options.dropout_rate = NAN;
  EXPECT_EQ(ValidateModelOptions(options).code(), absl::StatusCode::kInvalidArgument);
}

TEST(ModelOptionsTest, NamesRoundTrip) {
  for (const ModelType type : {ModelType::kGated, ModelType::kStandard}) {
    EXPECT_EQ(*ParseModelType(ModelTypeName(type)), type);
  }
  for (const GateKind kind : {GateKind::kVector, GateKind::kHead, GateKind::kScalar}) {
    EXPECT_EQ(*ParseGateKind(GateKindName(kind)), kind);
  }
  EXPECT_THAT(ParseModelType("guarded"), IsInvalid("model_type: guarded is neither gated nor standard"));
  EXPECT_THAT(ParseGateKind("matrix"), IsInvalid("gate_kind: matrix is not vector, head or scalar"));
}

}  // namespace
}  // namespace deepbindnet
