#include "server/metrics/gauge_family.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

namespace deepbindnet {
namespace {

std::string TextOf(const prometheus::MetricFamily& family) { return prometheus::TextSerializer().Serialize({family}); }

TEST(GaugeFamilyTest, HasASeriesForEachSetOfLabels) {
  prometheus::MetricFamily family = MakeFamily("jobs", "Jobs.");
  AddSeries(&family, 1.5, {{"kind", "train"}});
  AddSeries(&family, 0, {{"kind", "compare"}});
  EXPECT_EQ(TextOf(family),
            "# HELP jobs Jobs.\n# TYPE jobs gauge\njobs{kind=\"train\"} 1.5\njobs{kind=\"compare\"} 0\n");
}

TEST(GaugeFamilyTest, CounterKeepsItsType) {
  prometheus::MetricFamily family = MakeFamily("seconds_total", "Time.", prometheus::MetricType::Counter);
  AddSeries(&family, 7);
  EXPECT_EQ(TextOf(family), "# HELP seconds_total Time.\n# TYPE seconds_total counter\nseconds_total 7\n");
}

}  // namespace
}  // namespace deepbindnet
