// The attention kernels of every instruction set that this machine has, against plain loops in double precision;
// gradients against central differences of those loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/compute/kernels.h"
#include "tests/core/compute/kernel_checks.h"

namespace deepbindnet {
namespace {

// ---- Attention. Sides are [rows, 3 * channels], query, key and value side by side, as the model has them.

struct Attention {
  int64_t heads, width;
  Rows query_first, query_count, key_first, key_count;
  Rows packed = Starts(query_count);

  int64_t channels() const { return heads * width; }
  int64_t pairs() const { return static_cast<int64_t>(query_count.size()); }
  int64_t queries() const { return Total(query_count); }
  int64_t weights() const {
    int64_t sum = 0;
    for (int64_t p = 0; p < pairs(); ++p) sum += heads * query_count[p] * key_count[p];
    return sum;
  }
  AttentionTask Task(const Floats& side, const Floats& other) const {
    const int64_t stride = 3 * channels();
    return {pairs(),
            heads,
            width,
            static_cast<float>(1 / std::sqrt(static_cast<double>(width))),
            {side.data(), stride},
            {other.data() + channels(), stride},
            {other.data() + 2 * channels(), stride},
            {query_first.data(), query_count.data()},
            {key_first.data(), key_count.data()},
            packed.data(),
            *std::max_element(query_count.begin(), query_count.end()),
            *std::max_element(key_count.begin(), key_count.end())};
  }

 private:
  static Rows Starts(const Rows& counts) {
    Rows starts = {0};
    for (const int64_t count : counts) starts.push_back(starts.back() + count);
    return starts;
  }
  static int64_t Total(const Rows& counts) {
    int64_t sum = 0;
    for (const int64_t count : counts) sum += count;
    return sum;
  }
};

constexpr int64_t kSideRows = 40, kOtherRows = 45;

// Pairs of many sizes, several of which share rows.
Attention ManyPairs(int64_t heads, int64_t width) {
  return {heads,
          width,
          {0, 3, 3, 0, 2, 20, 1, 7, 39},
          {1, 1, 2, 5, 7, 17, 33, 6, 1},
          {0, 0, 20, 4, 5, 44, 3, 3, 12},
          {1, 15, 16, 17, 33, 1, 16, 32, 33}};
}

double Score(const Attention& task, const Doubles& side, const Doubles& other, int64_t query, int64_t key,
             int64_t head) {
  const int64_t channels = task.channels(), at = head * task.width;
  double sum = 0;
  for (int64_t c = at; c < at + task.width; ++c) {
    sum += side[query * 3 * channels + c] * other[key * 3 * channels + channels + c];
  }
  return sum / std::sqrt(static_cast<double>(task.width));
}

// What the pairs read, and with which weights.
Doubles AttendByLoops(const Attention& task, const Doubles& side, const Doubles& other, Doubles* weights) {
  const int64_t channels = task.channels();
  Doubles out(task.queries() * channels, 0.0);
  int64_t row = 0;
  for (int64_t p = 0; p < task.pairs(); ++p) {
    for (int64_t head = 0; head < task.heads; ++head) {
      for (int64_t i = 0; i < task.query_count[p]; ++i) {
        Doubles scores;
        for (int64_t t = 0; t < task.key_count[p]; ++t) {
          scores.push_back(Score(task, side, other, task.query_first[p] + i, task.key_first[p] + t, head));
        }
        const Doubles shares = Shares(scores);
        weights->insert(weights->end(), shares.begin(), shares.end());
        for (int64_t t = 0; t < task.key_count[p]; ++t) {
          const double* const value = &other[(task.key_first[p] + t) * 3 * channels + 2 * channels];
          for (int64_t c = head * task.width; c < (head + 1) * task.width; ++c) {
            out[(row + i) * channels + c] += shares[t] * value[c];
          }
        }
      }
    }
    row += task.query_count[p];
  }
  return out;
}

class AttendTest : public testing::TestWithParam<std::pair<int, int>> {
 protected:
  const Attention task_ = ManyPairs(GetParam().first, GetParam().second);
  Doubles side_ = Random(kSideRows * 3 * task_.channels(), 1), other_ = Random(kOtherRows * 3 * task_.channels(), 2);
};

TEST_P(AttendTest, EqualsPlainLoops) {
  Doubles weights;
  const Doubles expected = AttendByLoops(task_, side_, other_, &weights);
  const Floats side = Single(side_), other = Single(other_);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(expected.size()), shares(weights.size()), without_weights(expected.size());
    kernels.attend(task_.Task(side, other), out.data(), shares.data());
    ExpectClose(out, expected, "out");
    ExpectClose(shares, weights, "weights");
    kernels.attend(task_.Task(side, other), without_weights.data(), nullptr);
    EXPECT_TRUE(out.Equals(without_weights)) << "equal arguments give equal bits, asked for weights or not";
  });
}

TEST_P(AttendTest, GradientsAreAddedAndEqualDifferences) {
  const Doubles slope = Random(task_.queries() * task_.channels(), 3);
  const Doubles of_side = Random(side_.size(), 4), of_other = Random(other_.size(), 5);
  const auto loss = [&] {
    Doubles weights;
    return Dot(slope, AttendByLoops(task_, side_, other_, &weights));
  };
  const Floats side = Single(side_), other = Single(other_), out_gradient = Single(slope);
  const int64_t stride = 3 * task_.channels();
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output side_gradient(of_side), other_gradient(of_other);
    kernels.attend_back(task_.Task(side, other), out_gradient.data(), {side_gradient.data(), stride},
                        {other_gradient.data() + task_.channels(), stride},
                        {other_gradient.data() + 2 * task_.channels(), stride});
    // 13 has no factor in common with the widths, so that every lane is seen. Where nothing is read nothing is added.
    ExpectGradient(side_gradient, of_side, &side_, loss, "of the queries", 13);
    ExpectGradient(other_gradient, of_other, &other_, loss, "of keys and values", 13);
  });
}

INSTANTIATE_TEST_SUITE_P(HeadsAndWidths, AttendTest,
                         testing::Values(std::pair(1, 16), std::pair(2, 16), std::pair(2, 32), std::pair(1, 48)),
                         [](const auto& info) {
                           return std::to_string(info.param.first) + "x" + std::to_string(info.param.second);
                         });

// One query of channel 0 alone, whose scores are `scores`.
struct OneQuery {
  explicit OneQuery(const Doubles& scores)
      : task{1, 16, {0}, {1}, {0}, {static_cast<int64_t>(scores.size())}}, side(48, 0.0), other(scores.size() * 48) {
    side[0] = 4;  // The square root of the width.
    for (size_t i = 0; i < scores.size(); ++i) {
      other[i * 48 + 16] = scores[i];
      for (int c = 0; c < 16; ++c) other[i * 48 + 32 + c] = static_cast<double>(i) - c;
    }
  }
  Attention task;
  Doubles side, other;
};

TEST(AttendExtremesTest, ScoresOfTenThousandGiveNoNan) {
  Doubles scores;
  for (int i = 0; i < 33; ++i) scores.push_back(i % 3 == 0 ? 1e4 : i % 3 == 1 ? -1e4 : i);
  for (const Doubles& some :
       {scores, Doubles(17, 1e4), Doubles(17, -1e4), Doubles{-1e4}, Doubles{-1e4, 1e4}, Doubles{-1e4, -9999, -9998}}) {
    const OneQuery one(some);
    Doubles weights;
    const Doubles expected = AttendByLoops(one.task, one.side, one.other, &weights);
    const Floats side = Single(one.side), other = Single(one.other), slope(16, 1.0F);
    ForEachInstructionSet([&](const Kernels& kernels) {
      Output out(expected.size()), shares(weights.size());
      kernels.attend(one.task.Task(side, other), out.data(), shares.data());
      ExpectClose(out, expected, "out");
      ExpectClose(shares, weights, "weights");
      Output side_gradient(Doubles(side.size(), 0.0)), other_gradient(Doubles(other.size(), 0.0));
      kernels.attend_back(one.task.Task(side, other), slope.data(), {side_gradient.data(), 48},
                          {other_gradient.data() + 16, 48}, {other_gradient.data() + 32, 48});
      EXPECT_TRUE(side_gradient.IsFinite());
      EXPECT_TRUE(other_gradient.IsFinite());
      for (size_t i = 0; i < some.size(); ++i) EXPECT_NEAR(other_gradient[i * 48 + 32], weights[i], 1e-6) << i;
    });
  }
}

// The share of a score that is `x` below the largest one is exp(x), to a few of a float's steps.
TEST(AttendExtremesTest, SmallSharesAreAsExactAsLargeOnes) {
  Doubles scores = {0};
  for (double x = 0; x > -80; x -= 0.37) scores.push_back(static_cast<float>(x));
  const OneQuery one(scores);
  const Doubles weights = Shares(scores);
  const Floats side = Single(one.side), other = Single(one.other);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(16), shares(weights.size());
    kernels.attend(one.task.Task(side, other), out.data(), shares.data());
    for (size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(shares[i] / weights[i], 1, 1e-6) << scores[i];
  });
}

}  // namespace
}  // namespace deepbindnet
