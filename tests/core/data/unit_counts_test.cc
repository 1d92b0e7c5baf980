#include "core/data/unit_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

TEST(UnitCountsTest, OneUnitIsTheUnit) {
  UnitCounts counts;
  EXPECT_EQ(*counts.Single("unit"), "");
  counts.Add("nM", 2);
  counts.Add(" nM\t", 3);
  EXPECT_EQ(*counts.Single("unit"), "nM");
}

TEST(UnitCountsTest, SeveralAreNamedWithTheirRowsAndFirstLines) {
  UnitCounts counts;
  counts.Add("nM", 2);
  counts.Add("uM", 3);
  counts.Add("nM", 4);
  counts.Add("", 9);
  EXPECT_THAT(
      counts.Single("Standard Units"),
      IsError(absl::StatusCode::kInvalidArgument, "MIXED_UNITS",
              "the column 'Standard Units' has several units: '' in 1 row (first line 9), 'nM' in 2 rows (first "
              "line 2), 'uM' in 1 row (first line 3); convert all affinities to one unit and write that in each "
              "row"));
}

TEST(UnitCountsTest, SpellingsThatMayDifferInMeaningAreSeveral) {
  UnitCounts counts;
  counts.Add("mM", 2);
  counts.Add("MM", 3);
  EXPECT_EQ(GetReason(counts.Single("unit").status()), "MIXED_UNITS");
}

TEST(UnitCountsTest, TheMessageStaysShort) {
  UnitCounts counts;
  for (int i = 0; i < 1000; ++i) counts.Add(absl::StrCat("unit ", i, std::string(100, 'x')), i + 2);
  EXPECT_THAT(counts.Single("unit"),
              IsError(absl::StatusCode::kInvalidArgument, "MIXED_UNITS", "others in 980 rows; convert"));
  EXPECT_LT(counts.Single("unit").status().message().size(), 2000u);
}

}  // namespace
}  // namespace deepbindnet
