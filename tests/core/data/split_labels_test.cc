#include "core/data/split_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(PartOfLabelTest, KnowsTheUsualNamesInAnyCase) {
  for (const char* label : {"test", "TEST", " Test\t"}) EXPECT_EQ(PartOfLabel(label), Part::kTest) << label;
  for (const char* label : {"val", "Valid", "VALIDATION", " dev "}) {
    EXPECT_EQ(PartOfLabel(label), Part::kVal) << label;
  }
  for (const char* label : {"train", "0", "", "testing", "validate"}) {
    EXPECT_EQ(PartOfLabel(label), Part::kTrain) << label;
  }
}

TEST(CountLabelTest, TrimsCutsAndEscapes) {
  LabelCounts counts;
  for (const std::string& label :
       {std::string(" a "), std::string("a"), std::string("\xff\n."), std::string(50, 'x')}) {
    CountLabel(label, &counts);
  }
  EXPECT_THAT(counts, ElementsAre(Pair("\\377\\n.", 1), Pair("a", 2), Pair(std::string(40, 'x'), 1)));
}

TEST(CountLabelTest, CutsBetweenCharacters) {
  LabelCounts counts;
  std::string label, cut;
  for (int i = 0; i < 50; ++i) label += "\xE6\xB5\x8B";
  for (int i = 0; i < 40; ++i) cut += "\xE6\xB5\x8B";
  CountLabel(label, &counts);
  EXPECT_THAT(counts, ElementsAre(Pair(cut, 1)));
}

TEST(CountLabelTest, ManyLabelsAreCountedTogetherButNoneOfATestRow) {
  LabelCounts counts;
  for (int i = 0; i < 100; ++i) CountLabel(absl::StrCat("id", i), &counts);
  CountLabel("test", &counts);
  CountLabel("dev", &counts);
  EXPECT_EQ(counts.size(), 23u);
  EXPECT_EQ(counts[kOtherLabels], 80);
  EXPECT_EQ(counts["test"], 1);
  EXPECT_EQ(counts["dev"], 1);
}

TEST(DescribeLabelsTest, SaysWhereEachLabelGoes) {
  EXPECT_EQ(DescribeLabels({{"0", 2}, {"dev", 1}, {"test", 3}}),
            "'0' 2 rows (train), 'dev' 1 row (validation), 'test' 3 rows (test)");
}

}  // namespace
}  // namespace deepbindnet
