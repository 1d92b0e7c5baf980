#include "core/training/sampler.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/data/random.h"

namespace deepbindnet {
std::vector<std::vector<int64_t>> EpochBatches(const std::vector<int32_t>& target, int64_t batch_size, uint64_t seed,
                                               int epoch) {
  Random random(seed * 1000003 + static_cast<uint64_t>(epoch));
  std::vector<int64_t> order(target.size());
  std::iota(order.begin(), order.end(), 0);
  random.Shuffle(&order);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return target[a] < target[b]; });
  std::vector<std::pair<size_t, size_t>> runs;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && end - begin < kPairsPerRun && target[order[end]] == target[order[begin]]) ++end;
    runs.emplace_back(begin, end);
    begin = end;
  }
  random.Shuffle(&runs);
  std::vector<std::vector<int64_t>> batches;
  for (const auto& [begin, end] : runs) {
    for (size_t i = begin; i < end; ++i) {
      if (batches.empty() || static_cast<int64_t>(batches.back().size()) == batch_size) batches.emplace_back();
      batches.back().push_back(order[i]);
    }
  }
  return batches;
}

}  // namespace deepbindnet
