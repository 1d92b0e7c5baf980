#include <random>
#include <vector>

#include "core/evaluation/metrics.h"
#include "tests/bench/figures.h"

namespace deepbindnet {
namespace {

constexpr int kKibaTestPairs = 19709;

void AllMetrics(benchmark::State& state) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> truth(kKibaTestPairs);
  std::vector<double> predicted(kKibaTestPairs);
  for (int i = 0; i < kKibaTestPairs; ++i) {
    truth[i] = normal(random);
    predicted[i] = truth[i] + 0.5 * normal(random);
  }
  for (auto _ : state) benchmark::DoNotOptimize(ComputeMetrics(truth, predicted));
  ReportItems(state, kKibaTestPairs);
}

const bool kAdded = AddFigure({"metrics_pairs_per_second", "pairs/s", 1e6, AllMetrics});

}  // namespace
}  // namespace deepbindnet
