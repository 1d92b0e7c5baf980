#include "core/data/split_assignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

constexpr int kDrugs = 40;
constexpr int kTargets = 25;

// Every drug with every target; scaffold: drug / 4.
SplitInput MakeGrid() {
  SplitInput input;
  for (int32_t drug = 0; drug < kDrugs; ++drug) {
    input.drug_scaffold.push_back(drug / 4);
    for (int32_t target = 0; target < kTargets; ++target) {
      input.drug.push_back(drug);
      input.target.push_back(target);
      input.given.push_back(Part::kTrain);
    }
  }
  return input;
}

SplitOptions Options(SplitMethod method) {
  SplitOptions options;
  options.method = method;
  if (method == SplitMethod::kColumn) options.split_column = "fold";
  return options;
}

using Parts = std::vector<std::optional<Part>>;

int64_t Count(const Parts& parts, std::optional<Part> part) { return std::count(parts.begin(), parts.end(), part); }

// Values of `column` over the pairs of one part.
std::set<int32_t> EntitiesOf(const std::vector<int32_t>& column, const Parts& parts, Part part) {
  std::set<int32_t> entities;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == part) entities.insert(column[i]);
  }
  return entities;
}

void ExpectDisjoint(const std::vector<int32_t>& column, const Parts& parts) {
  const auto train = EntitiesOf(column, parts, Part::kTrain);
  const auto val = EntitiesOf(column, parts, Part::kVal);
  const auto test = EntitiesOf(column, parts, Part::kTest);
  EXPECT_FALSE(train.empty());
  EXPECT_FALSE(val.empty());
  EXPECT_FALSE(test.empty());
  for (const int32_t entity : test) EXPECT_FALSE(train.count(entity) || val.count(entity)) << entity;
  for (const int32_t entity : val) EXPECT_FALSE(train.count(entity)) << entity;
}

TEST(AssignSplitTest, RandomSharesAreExact) {
  const auto parts = AssignSplit(MakeGrid(), Options(SplitMethod::kRandom)).value();
  EXPECT_EQ(Count(parts, Part::kTest), 200);
  EXPECT_EQ(Count(parts, Part::kVal), 80);
  EXPECT_EQ(Count(parts, Part::kTrain), 720);
}

TEST(AssignSplitTest, ZeroSharesLeaveEverythingInTrain) {
  for (const SplitMethod method : {SplitMethod::kRandom, SplitMethod::kColdDrug, SplitMethod::kColdTarget,
                                   SplitMethod::kColdBoth, SplitMethod::kScaffold, SplitMethod::kColumn}) {
    SplitOptions options = Options(method);
    options.test_size = 0.0;
    options.val_size = 0.0;
    const auto parts = AssignSplit(MakeGrid(), options).value();
    EXPECT_EQ(Count(parts, Part::kTrain), kDrugs * kTargets) << SplitMethodName(method);
  }
}

TEST(AssignSplitTest, ColdDrugSharesNoDrug) {
  const SplitInput input = MakeGrid();
  const auto parts = AssignSplit(input, Options(SplitMethod::kColdDrug)).value();
  ExpectDisjoint(input.drug, parts);
  EXPECT_EQ(Count(parts, Part::kTest), 200);
  EXPECT_EQ(Count(parts, Part::kVal), 75);  // 3 drugs of 25 pairs are nearest to 80.
}

TEST(AssignSplitTest, ColdTargetSharesNoTarget) {
  const SplitInput input = MakeGrid();
  const auto parts = AssignSplit(input, Options(SplitMethod::kColdTarget)).value();
  ExpectDisjoint(input.target, parts);
  EXPECT_EQ(Count(parts, Part::kTest), 200);
  EXPECT_EQ(Count(parts, Part::kVal), 80);
}

TEST(AssignSplitTest, ScaffoldSharesNoScaffold) {
  const SplitInput input = MakeGrid();
  const auto parts = AssignSplit(input, Options(SplitMethod::kScaffold)).value();
  std::vector<int32_t> scaffold;
  for (const int32_t drug : input.drug) scaffold.push_back(input.drug_scaffold[static_cast<size_t>(drug)]);
  ExpectDisjoint(scaffold, parts);
  EXPECT_EQ(Count(parts, Part::kTest), 200);
  EXPECT_EQ(Count(parts, Part::kVal), 100);
}

TEST(AssignSplitTest, ColdBothSharesNeitherAndDropsMixedPairs) {
  const SplitInput input = MakeGrid();
  const auto parts = AssignSplit(input, Options(SplitMethod::kColdBoth)).value();
  ExpectDisjoint(input.drug, parts);
  ExpectDisjoint(input.target, parts);
  EXPECT_EQ(Count(parts, Part::kTest), 18 * 11);  // sqrt(0.2) of 40 and of 25.
  EXPECT_GT(Count(parts, std::nullopt), 0);
  EXPECT_EQ(
      Count(parts, Part::kTrain) + Count(parts, Part::kVal) + Count(parts, Part::kTest) + Count(parts, std::nullopt),
      kDrugs * kTargets);
}

TEST(AssignSplitTest, APartWithAShareGetsAtLeastOneGroup) {
  SplitInput input;  // Two drugs: 20 % is nearer to none of them than to one.
  input.drug = {0, 0, 0, 0, 0, 1, 1, 1, 1};
  input.target = {0, 1, 2, 3, 4, 0, 1, 2, 3};
  SplitOptions options = Options(SplitMethod::kColdDrug);
  options.val_size = 0.0;
  const auto parts = AssignSplit(input, options).value();
  EXPECT_EQ(Count(parts, Part::kTest), 4);  // The smaller one.
}

TEST(AssignSplitTest, ColumnIsFollowed) {
  SplitInput input = MakeGrid();
  for (size_t i = 0; i < 100; ++i) input.given[i] = Part::kTest;
  for (size_t i = 100; i < 150; ++i) input.given[i] = Part::kVal;
  EXPECT_EQ(AssignSplit(input, Options(SplitMethod::kColumn)).value(), Parts(input.given.begin(), input.given.end()));
}

TEST(AssignSplitTest, ColumnWithoutValidationTakesAShareOfTrain) {
  SplitInput input = MakeGrid();
  for (size_t i = 0; i < 100; ++i) input.given[i] = Part::kTest;
  const auto parts = AssignSplit(input, Options(SplitMethod::kColumn)).value();
  EXPECT_EQ(Count(parts, Part::kVal), 90);
  for (size_t i = 0; i < parts.size(); ++i) EXPECT_EQ(parts[i] == Part::kTest, i < 100);
}

TEST(AssignSplitTest, TheSeedDecides) {
  for (const SplitMethod method : {SplitMethod::kRandom, SplitMethod::kColdDrug, SplitMethod::kColdTarget,
                                   SplitMethod::kColdBoth, SplitMethod::kScaffold, SplitMethod::kColumn}) {
    SplitOptions options = Options(method);
    const auto first = AssignSplit(MakeGrid(), options).value();
    EXPECT_EQ(AssignSplit(MakeGrid(), options).value(), first) << SplitMethodName(method);
    options.seed = 43;
    EXPECT_NE(AssignSplit(MakeGrid(), options).value(), first) << SplitMethodName(method);
  }
}

TEST(AssignSplitTest, ASplitWithoutTrainingPairsIsAnError) {
  SplitInput input;
  input.drug = {0, 0};
  input.target = {0, 1};
  const absl::Status status = AssignSplit(input, Options(SplitMethod::kColdDrug)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cold_drug split of 2 pairs leaves none to train on"));
  input.given = {Part::kTest, Part::kTest};
  EXPECT_FALSE(AssignSplit(input, Options(SplitMethod::kColumn)).ok());
}

TEST(AssignSplitTest, AShareThatLeavesItsPartEmptyIsAnErrorThatNamesIt) {
  SplitInput input;
  input.drug = {0, 1};
  input.target = {0, 1};
  input.given = {Part::kTrain, Part::kTest};
  const auto expect_refused = [&input](const SplitOptions& options, const std::string& message) {
    const absl::Status status = AssignSplit(input, options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(GetReason(status), "INVALID_FIELD");
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  };
  expect_refused(
      Options(SplitMethod::kRandom),
      "test_size: 0.2 leaves this part empty in the random split of 2 pairs; give more data, a larger share");
  expect_refused(Options(SplitMethod::kColumn), "val_size: 0.1 leaves this part empty in the column split");
  SplitOptions options = Options(SplitMethod::kRandom);
  options.test_size = 0.5;
  expect_refused(options, "val_size: 0.1 leaves this part empty");
  options.val_size = 0.0;
  EXPECT_EQ(Count(AssignSplit(input, options).value(), Part::kTest), 1);
}

TEST(AssignSplitTest, BadOptionsAreRefused) {
  SplitOptions options;
  options.test_size = 1.0;
  EXPECT_EQ(GetReason(AssignSplit(MakeGrid(), options).status()), "INVALID_FIELD");
}

}  // namespace
}  // namespace deepbindnet
