#include "core/evaluation/metrics.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::IsNan;
using ::testing::NanSensitiveDoubleEq;

struct Data {
  std::vector<double> truth;
  std::vector<double> predicted;
};

// `levels` > 0 rounds to that many values, so that ties abound.
Data RandomData(int pairs, int levels, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  const auto round = [levels](double value) { return levels > 0 ? std::round(value * levels / 4.0) : value; };
  Data data;
  for (int i = 0; i < pairs; ++i) {
    data.truth.push_back(round(11.7 + 0.8 * normal(random)));
    data.predicted.push_back(round(4.7 + 0.6 * data.truth.back() + 0.5 * normal(random)));
  }
  return data;
}

// The definition: every pair of pairs.
double BruteForceConcordance(const Data& data) {
  double concordant = 0.0;
  double comparable = 0.0;
  for (size_t i = 0; i < data.truth.size(); ++i) {
    for (size_t j = 0; j < data.truth.size(); ++j) {
      if (!(data.truth[i] > data.truth[j])) continue;
      ++comparable;
      if (data.predicted[i] > data.predicted[j]) concordant += 1.0;
      if (data.predicted[i] == data.predicted[j]) concordant += 0.5;
    }
  }
  return concordant / comparable;
}

// The same quantities by numpy, in their textbook form and without a line of ours.
constexpr char kNumpy[] = R"(
import json, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
t, p = (np.array(row, float) for row in json.load(open(sys.argv[1])))
def ranks(x):
    return np.array([(x < v).sum() + ((x == v).sum() + 1) / 2 for v in x])
def r(a, b):
    return np.corrcoef(a, b)[0, 1] if np.ptp(a) and np.ptp(b) else float("nan")
e = p - t
more = t[:, None] > t[None, :]
ci = (np.sign(p[:, None] - p[None, :])[more] + 1).mean() / 2 if more.any() else float("nan")
r2 = r(t, p) ** 2
k = (t @ p) / (p @ p)
r02 = 1 - ((t - k * p) ** 2).sum() / ((t - t.mean()) ** 2).sum()
out = dict(mse=(e ** 2).mean(), rmse=(e ** 2).mean() ** .5, mae=abs(e).mean(),
           r2=1 - (e ** 2).mean() / t.var() if np.ptp(t) else float("nan"), pearson=r(t, p),
           spearman=r(ranks(t), ranks(p)), ci=ci, rm2=r2 * (1 - abs(r2 ** 2 - r02 ** 2) ** .5))
print(json.dumps({k: None if v != v else float(v) for k, v in out.items()}))
)";

std::map<std::string, double> NumpyMetrics(const Data& data) {
  const TempDir dir;
  const std::string script = dir.Write("metrics.py", kNumpy);
  const std::string pairs = dir.Write("pairs.json", nlohmann::json({data.truth, data.predicted}).dump());
  const std::string command = "/usr/bin/python3 " + script + " " + pairs;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) output.push_back(static_cast<char>(c));
  std::map<std::string, double> metrics;
  const nlohmann::json parsed = nlohmann::json::parse(output);
  for (const auto& [name, value] : parsed.items()) {
    metrics[name] = value.is_null() ? std::nan("") : value.get<double>();
  }
  return metrics;
}

void ExpectAsNumpy(const Data& data) {
  const std::map<std::string, double> expected = NumpyMetrics(data);
  const auto actual = NamedMetrics(ComputeMetrics(data.truth, data.predicted));
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, value] : actual) {
    const double reference = expected.at(std::string(name));
    if (std::isnan(reference)) {
      EXPECT_THAT(value, IsNan()) << name;
    } else {
      EXPECT_NEAR(value, reference, 1e-9 * std::max(1.0, std::abs(reference))) << name;
    }
  }
}

TEST(ComputeMetricsTest, AgreesWithNumpyOnContinuousData) { ExpectAsNumpy(RandomData(500, 0, 1)); }

TEST(ComputeMetricsTest, AgreesWithNumpyOnTies) { ExpectAsNumpy(RandomData(400, 5, 2)); }

TEST(ComputeMetricsTest, AgreesWithNumpyOnConstantPredictions) {
  Data data = RandomData(50, 0, 3);
  data.predicted.assign(50, 11.1);
  ExpectAsNumpy(data);
  const RegressionMetrics metrics = ComputeMetrics(data.truth, data.predicted);
  EXPECT_EQ(metrics.ci, 0.5);
  EXPECT_THAT(metrics.pearson, IsNan());
  EXPECT_THAT(metrics.rm2, IsNan());
  EXPECT_LE(metrics.r2, 0.0);
}

TEST(ComputeMetricsTest, ConstantTruthLeavesRanksAndCorrelationsUndefined) {
  const RegressionMetrics metrics = ComputeMetrics(std::vector<double>(7, 0.1), {1, 2, 3, 4, 5, 6, 7});
  EXPECT_THAT(metrics.r2, IsNan());
  EXPECT_THAT(metrics.pearson, IsNan());
  EXPECT_THAT(metrics.spearman, IsNan());
  EXPECT_THAT(metrics.ci, IsNan());
  EXPECT_THAT(metrics.rm2, IsNan());
  EXPECT_NEAR(metrics.mae, 3.9, 1e-12);
}

TEST(ComputeMetricsTest, NoDataIsUndefinedThroughout) {
  const RegressionMetrics metrics = ComputeMetrics({}, {});
  EXPECT_EQ(metrics.pairs, 0);
  for (const auto& [name, value] : NamedMetrics(metrics)) EXPECT_THAT(value, IsNan()) << name;
}

TEST(ComputeMetricsTest, ValueThatIsNotFiniteMakesEveryMetricUndefined) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double odd : {std::nan(""), infinity, -infinity}) {
    for (const RegressionMetrics& metrics :
         {ComputeMetrics({1, 2, 3}, {1, odd, 3}), ComputeErrors({1, 2, 3}, {1, odd, 3}),
          ComputeMetrics({1, odd, 3}, {1, 2, 3}), ComputeErrors({1, odd, 3}, {1, 2, 3})}) {
      EXPECT_EQ(metrics.pairs, 3);
      for (const auto& [name, value] : NamedMetrics(metrics)) EXPECT_THAT(value, IsNan()) << name << " " << odd;
    }
    EXPECT_THAT(ConcordanceIndex({1, 2, 3}, {1, odd, 3}), IsNan());
  }
}

TEST(RegressionMetricsTest, NothingMeasuredIsUndefined) {
  EXPECT_EQ(RegressionMetrics().pairs, 0);
  for (const auto& [name, value] : NamedMetrics({})) EXPECT_THAT(value, IsNan()) << name;
}

TEST(ComputeMetricsTest, PerfectPredictionsReachEveryBestValue) {
  const Data data = RandomData(100, 0, 4);
  const RegressionMetrics metrics = ComputeMetrics(data.truth, data.truth);
  EXPECT_EQ(metrics.pairs, 100);
  EXPECT_EQ(metrics.mse, 0.0);
  EXPECT_EQ(metrics.r2, 1.0);
  EXPECT_EQ(metrics.ci, 1.0);
  EXPECT_NEAR(metrics.spearman, 1.0, 1e-12);
  EXPECT_NEAR(metrics.rm2, 1.0, 1e-6);
}

TEST(ComputeErrorsTest, GivesTheErrorsOfComputeMetricsAndNoRanks) {
  const Data data = RandomData(100, 0, 5);
  const RegressionMetrics errors = ComputeErrors(data.truth, data.predicted);
  const RegressionMetrics all = ComputeMetrics(data.truth, data.predicted);
  EXPECT_EQ(errors.pairs, 100);
  EXPECT_EQ(errors.mse, all.mse);
  EXPECT_EQ(errors.rmse, all.rmse);
  EXPECT_EQ(errors.mae, all.mae);
  EXPECT_EQ(errors.r2, all.r2);
  EXPECT_THAT(errors.ci, IsNan());
  EXPECT_THAT(errors.spearman, IsNan());
}

TEST(ConcordanceIndexTest, EqualsTheDefinitionWithAndWithoutTies) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const int pairs = 2 + static_cast<int>(seed * 5);
    const Data data = RandomData(pairs, static_cast<int>(seed % 4) * 3, seed);
    EXPECT_THAT(ConcordanceIndex(data.truth, data.predicted), NanSensitiveDoubleEq(BruteForceConcordance(data)))
        << pairs << " pairs, seed " << seed;
  }
}

TEST(ConcordanceIndexTest, ReversedPredictionsScoreZero) { EXPECT_EQ(ConcordanceIndex({1, 2, 3}, {3, 2, 1}), 0.0); }

TEST(ConcordanceIndexTest, IsExactOnKibasSize) {
  // The lower half is in order, the upper half above it but reversed.
  std::vector<double> truth;
  std::vector<double> predicted;
  for (int i = 0; i < 20000; ++i) {
    truth.push_back(i);
    predicted.push_back(i < 10000 ? i : 29999 - i);
  }
  // Of 20000 * 19999 / 2 pairs, the 10000 * 9999 / 2 within the reversed half are wrong.
  EXPECT_DOUBLE_EQ(ConcordanceIndex(truth, predicted), 1.0 - 10000.0 * 9999.0 / (20000.0 * 19999.0));
}

}  // namespace
}  // namespace deepbindnet
