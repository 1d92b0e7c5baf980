#include "core/data/affinity_direction.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

constexpr AffinityDirection kHigher = AffinityDirection::kHigherBindsTighter;
constexpr AffinityDirection kLower = AffinityDirection::kLowerBindsTighter;
constexpr AffinityDirection kUnknown = AffinityDirection::kUnknown;

TEST(GuessAffinityDirectionTest, TheUnitDecides) {
  for (const char* const unit : {"KIBA", "pKd", "pKi", "pIC50", "pEC50", "PKD", " pKd "}) {
    EXPECT_EQ(GuessAffinityDirection(unit, ""), kHigher) << unit;
  }
  for (const char* const unit : {"nM", "pM", "uM", "\xC2\xB5M", "\xCE\xBCM", "mM", "M", "mol/L"}) {
    EXPECT_EQ(GuessAffinityDirection(unit, ""), kLower) << unit;
  }
  for (const char* const unit : {"kcal/mol", "%", "ddG", ""}) {
    EXPECT_EQ(GuessAffinityDirection(unit, "y"), kUnknown) << unit;
  }
}

TEST(GuessAffinityDirectionTest, WithoutAUnitTheColumnsNameMayTell) {
  for (const char* const name : {"Kd", "Ki", "IC50", "EC50_value", "kd (measured)"}) {
    EXPECT_EQ(GuessAffinityDirection("", name), kLower) << name;
  }
  for (const char* const name : {"affinity", "kdeg", "log Kd", "p(Ki)", ""}) {
    EXPECT_EQ(GuessAffinityDirection("", name), kUnknown) << name;
  }
  EXPECT_EQ(GuessAffinityDirection("KIBA", "Ki  Kd and IC50  (KIBA Score)"), kHigher);
  EXPECT_EQ(GuessAffinityDirection("score", "Kd"), kUnknown);
}

TEST(AffinityDirectionNameTest, NamesAreReadBack) {
  for (const AffinityDirection direction : {kHigher, kLower, kUnknown}) {
    ASSERT_OK_AND_ASSIGN(const AffinityDirection back, ParseAffinityDirection(AffinityDirectionName(direction)));
    EXPECT_EQ(back, direction);
  }
  EXPECT_THAT(ParseAffinityDirection("up"), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                                                    "affinity_direction: up is not higher, lower or unknown"));
}

}  // namespace
}  // namespace deepbindnet
