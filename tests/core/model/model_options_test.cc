#include "core/model/model_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace deepbindnet {
namespace {

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
  EXPECT_EQ(ParseModelType("guarded").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace deepbindnet
