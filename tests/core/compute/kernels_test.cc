// Every kernel of every instruction set that this machine has, against plain loops in double precision; gradients
// against central differences of those loops.
#include "core/compute/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace deepbindnet {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;
using Rows = std::vector<int64_t>;

// Values that a float holds exactly.
Doubles Random(size_t count, uint32_t seed, double scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Doubles values;
  for (size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(scale) * normal(random));
  return values;
}

Floats Single(const Doubles& values) { return Floats(values.begin(), values.end()); }

// Room for what a kernel writes: not a number until it is written, and nothing may be written before or behind it.
class Output {
 public:
  explicit Output(size_t count) : size_(count), values_(count + 2 * kGuard, kGuardValue) {
    std::fill_n(data(), count, std::numeric_limits<float>::quiet_NaN());
  }
  explicit Output(const Doubles& values) : Output(values.size()) { std::copy(values.begin(), values.end(), data()); }
  ~Output() {
    for (size_t i = 0; i < kGuard; ++i) {
      EXPECT_EQ(values_[i], kGuardValue) << "written before the first value";
      EXPECT_EQ(values_[kGuard + size_ + i], kGuardValue) << "written behind the last value";
    }
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  size_t size() const { return size_; }
  float* data() { return values_.data() + kGuard; }
  float operator[](size_t i) const { return values_[kGuard + i]; }
  bool IsFinite() const {
    return std::all_of(begin(), begin() + size_, [](float x) { return std::isfinite(x); });
  }
  bool Equals(const Output& other) const {
    return size_ == other.size_ && std::equal(begin(), begin() + size_, other.begin());
  }

 private:
  static constexpr size_t kGuard = 64;  // At least a row of a table.
  static constexpr float kGuardValue = 12345;
  const float* begin() const { return values_.data() + kGuard; }

  const size_t size_;
  Floats values_;
};

void ExpectClose(const Output& actual, const Doubles& expected, const std::string& what, double tolerance = 1e-5) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * std::max(1.0, std::abs(expected[i]))) << what << "[" << i << "]";
  }
}

// That `gradient` is what it was before, `before`, plus the derivative of `loss` by `values`, in every `step`th entry.
void ExpectGradient(const Output& gradient, const Doubles& before, Doubles* values, const std::function<double()>& loss,
                    const std::string& what, size_t step = 1) {
  constexpr double kChange = 1e-6;
  ASSERT_EQ(gradient.size(), values->size()) << what;
  for (size_t i = 0; i < values->size(); i += step) {
    double& value = (*values)[i];
    const double kept = value;
    value = kept + kChange;
    const double above = loss();
    value = kept - kChange;
    const double below = loss();
    value = kept;
    const double expected = (above - below) / (2 * kChange);
    ASSERT_NEAR(gradient[i] - before[i], expected, 3e-5 * std::max(1.0, std::abs(expected))) << what << "[" << i << "]";
  }
}

double Dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void ForEachInstructionSet(const std::function<void(const Kernels&)>& check) {
  for (const Kernels* const* kernels = AllKernels(); *kernels != nullptr; ++kernels) {
    SCOPED_TRACE((*kernels)->name);
    check(**kernels);
  }
}

TEST(KernelsTest, TheBestInstructionSetStandsLast) {
  std::set<std::string> names;
  const Kernels* last = nullptr;
  for (const Kernels* const* kernels = AllKernels(); *kernels != nullptr; ++kernels) {
    EXPECT_TRUE(names.insert((*kernels)->name).second) << (*kernels)->name;
    last = *kernels;
  }
  EXPECT_EQ(last, &BestKernels());
  EXPECT_EQ(std::string(AllKernels()[0]->name), "baseline");
}

// ---- Attention. Sides are [rows, 3 * channels], query, key and value side by side, as the model has them.

struct Attention {
  int64_t heads, width;
  Rows query_first, query_count, key_first, key_count;

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
            *std::max_element(query_count.begin(), query_count.end()),
            *std::max_element(key_count.begin(), key_count.end())};
  }

 private:
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

// softmax of scores.
Doubles Shares(Doubles scores) {
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (double& score : scores) score /= sum;
  return scores;
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

// ---- The gated residual.

constexpr int64_t kHRows = 5, kHStride = 64, kGateStride = 80;
const Rows& RowOfH() {
  static const auto* const rows = new Rows{4, 0, 0, 2, 4, 4, 1};  // Nothing has row 3.
  return *rows;
}

struct GatedInputs {
  explicit GatedInputs(int64_t channels) : width(channels) {
    const size_t rows = RowOfH().size();
    h = Random(kHRows * kHStride, 11);
    gate_h = Random(kHRows * kGateStride, 12);
    c = Random(rows * width, 13);
    gate_c = Random(rows * width, 14);
    scale = Random(width, 15);
    shift = Random(width, 16);
    // The last row varies so little that the norm's epsilon counts.
    for (int64_t w = 0; w < width; ++w) {
      h[RowOfH().back() * kHStride + w] *= 0.0078125;
      c[(rows - 1) * width + w] *= 0.0078125;
    }
  }

  // The result, and the gate's values where there is one.
  Doubles ByLoops(bool gated, Doubles* gate = nullptr) const {
    Doubles out;
    for (size_t i = 0; i < RowOfH().size(); ++i) {
      Doubles sums;
      double mean = 0, variance = 0;
      for (int64_t w = 0; w < width; ++w) {
        const double z = gate_h[RowOfH()[i] * kGateStride + w] + gate_c[i * width + w];
        const double g = gated ? 1 / (1 + std::exp(-z)) : 1;
        if (gate != nullptr) gate->push_back(g);
        sums.push_back(h[RowOfH()[i] * kHStride + w] + g * c[i * width + w]);
        mean += sums.back() / static_cast<double>(width);
      }
      for (const double x : sums) variance += (x - mean) * (x - mean) / static_cast<double>(width);
      for (int64_t w = 0; w < width; ++w) {
        out.push_back((sums[w] - mean) / std::sqrt(variance + 1e-5) * scale[w] + shift[w]);
      }
    }
    return out;
  }

  int64_t width;
  Doubles h, gate_h, c, gate_c, scale, shift;
};

// The same in float.
struct SingleGatedInputs {
  explicit SingleGatedInputs(const GatedInputs& inputs)
      : width(inputs.width),
        h(Single(inputs.h)),
        gate_h(Single(inputs.gate_h)),
        c(Single(inputs.c)),
        gate_c(Single(inputs.gate_c)),
        scale(Single(inputs.scale)),
        shift(Single(inputs.shift)) {}
  GatedTask Task(bool gated) const {
    return {static_cast<int64_t>(RowOfH().size()),
            width,
            RowOfH().data(),
            {h.data(), kHStride},
            gated ? ConstRows{gate_h.data(), kGateStride} : ConstRows{nullptr, 0},
            c.data(),
            gated ? gate_c.data() : nullptr,
            scale.data(),
            shift.data()};
  }
  int64_t width;
  Floats h, gate_h, c, gate_c, scale, shift;
};

class GatedKernelTest : public testing::TestWithParam<std::pair<int, bool>> {
 protected:
  const bool gated_ = GetParam().second;
  GatedInputs inputs_{GetParam().first};
};

TEST_P(GatedKernelTest, EqualsPlainLoops) {
  Doubles gates;
  const Doubles expected = inputs_.ByLoops(gated_, &gates);
  const SingleGatedInputs single(inputs_);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(expected.size()), gate(gates.size()), without_gate(expected.size());
    kernels.gated(single.Task(gated_), out.data(), gated_ ? gate.data() : nullptr);
    ExpectClose(out, expected, "out");
    if (gated_) ExpectClose(gate, gates, "gate");
    kernels.gated(single.Task(gated_), without_gate.data(), nullptr);
    EXPECT_TRUE(out.Equals(without_gate)) << "equal arguments give equal bits, asked for the gate or not";
  });
}

TEST_P(GatedKernelTest, GradientsEqualDifferences) {
  const Doubles slope = Random(RowOfH().size() * inputs_.width, 21);
  const Doubles of_h = Random(inputs_.h.size(), 22), of_gate_h = Random(inputs_.gate_h.size(), 23);
  const Doubles of_scale = Random(inputs_.width, 24), of_shift = Random(inputs_.width, 25);
  const Doubles nothing(slope.size(), 0.0);
  const SingleGatedInputs single(inputs_);
  const Floats out_gradient = Single(slope);
  const auto loss = [&] { return Dot(slope, inputs_.ByLoops(gated_)); };
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output h(of_h), gate_h(of_gate_h), c(slope.size()), gate_c(slope.size()), scale(of_scale), shift(of_shift);
    kernels.gated_back(single.Task(gated_), out_gradient.data(),
                       {{h.data(), kHStride},
                        gated_ ? MutableRows{gate_h.data(), kGateStride} : MutableRows{nullptr, 0},
                        c.data(),
                        gated_ ? gate_c.data() : nullptr,
                        scale.data(),
                        shift.data()});
    ExpectGradient(h, of_h, &inputs_.h, loss, "of h");
    ExpectGradient(c, nothing, &inputs_.c, loss, "of c");
    ExpectGradient(scale, of_scale, &inputs_.scale, loss, "of scale");
    ExpectGradient(shift, of_shift, &inputs_.shift, loss, "of shift");
    if (!gated_) return;
    ExpectGradient(gate_h, of_gate_h, &inputs_.gate_h, loss, "of gate_h");
    ExpectGradient(gate_c, nothing, &inputs_.gate_c, loss, "of gate_c");
  });
}

INSTANTIATE_TEST_SUITE_P(Widths, GatedKernelTest,
                         testing::Values(std::pair(16, true), std::pair(48, true), std::pair(16, false),
                                         std::pair(48, false)),
                         [](const auto& info) {
                           return (info.param.second ? "Gated" : "Open") + std::to_string(info.param.first);
                         });

TEST(GatedKernelExtremesTest, GatesOfTenThousandGiveNoNan) {
  GatedInputs inputs(16);
  for (size_t i = 0; i < inputs.gate_c.size(); ++i) inputs.gate_c[i] = i % 2 == 0 ? 1e4 : -1e4;
  Doubles gates;
  const Doubles expected = inputs.ByLoops(true, &gates);
  const SingleGatedInputs single(inputs);
  const Floats slope(expected.size(), 1.0F);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(expected.size()), gate(gates.size());
    kernels.gated(single.Task(true), out.data(), gate.data());
    ExpectClose(out, expected, "out");
    ExpectClose(gate, gates, "gate");
    Output h(Doubles(inputs.h.size(), 0.0)), gate_h(Doubles(inputs.gate_h.size(), 0.0)), c(slope.size());
    Output gate_c(slope.size()), scale(Doubles(16, 0.0)), shift(Doubles(16, 0.0));
    kernels.gated_back(
        single.Task(true), slope.data(),
        {{h.data(), kHStride}, {gate_h.data(), kGateStride}, c.data(), gate_c.data(), scale.data(), shift.data()});
    for (const Output* gradient : {&h, &gate_h, &c, &gate_c, &scale, &shift}) EXPECT_TRUE(gradient->IsFinite());
    ExpectClose(gate_c, Doubles(slope.size(), 0.0), "what is shut or open stays so");
  });
}

// ---- Pooling.

constexpr int64_t kPoolRows = 40, kPoolWidth = 48, kPoolStride = 64;

struct Pooling {
  Rows first = {0, 3, 3, 20, 5, 38}, count = {1, 15, 16, 17, 33, 2};  // Most of them share rows.
  Doubles rows = Random(kPoolRows * kPoolStride, 31), weight = Random(kPoolWidth, 32, 0.3);

  PoolTask Task(const Floats& single_rows, const Floats& single_weight) const {
    return {static_cast<int64_t>(count.size()),
            kPoolWidth,
            {single_rows.data(), kPoolStride},
            {first.data(), count.data()},
            *std::max_element(count.begin(), count.end()),
            single_weight.data()};
  }
  Doubles SharesOf(size_t range) const {
    Doubles scores(count[range], 0.0);
    for (int64_t i = 0; i < count[range]; ++i) {
      for (int64_t w = 0; w < kPoolWidth; ++w) scores[i] += rows[(first[range] + i) * kPoolStride + w] * weight[w];
    }
    return Shares(scores);
  }
  Doubles ByLoops() const {
    Doubles out;
    for (size_t p = 0; p < count.size(); ++p) {
      const Doubles shares = SharesOf(p);
      Doubles mean(kPoolWidth, 0.0), largest(kPoolWidth, -1e300);
      for (int64_t i = 0; i < count[p]; ++i) {
        for (int64_t w = 0; w < kPoolWidth; ++w) {
          const double x = rows[(first[p] + i) * kPoolStride + w];
          mean[w] += shares[i] * x;
          largest[w] = std::max(largest[w], x);
        }
      }
      out.insert(out.end(), mean.begin(), mean.end());
      out.insert(out.end(), largest.begin(), largest.end());
    }
    return out;
  }
};

TEST(PoolKernelTest, EqualsPlainLoops) {
  const Pooling pooling;
  Doubles weights;
  for (size_t p = 0; p < pooling.count.size(); ++p) {
    for (const double share : pooling.SharesOf(p)) weights.push_back(share);
  }
  const Doubles expected = pooling.ByLoops();
  const Floats rows = Single(pooling.rows), weight = Single(pooling.weight);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(expected.size()), shares(weights.size()), without_weights(expected.size());
    kernels.pool(pooling.Task(rows, weight), out.data(), shares.data());
    ExpectClose(out, expected, "out");
    ExpectClose(shares, weights, "weights");
    kernels.pool(pooling.Task(rows, weight), without_weights.data(), nullptr);
    EXPECT_TRUE(out.Equals(without_weights)) << "equal arguments give equal bits, asked for weights or not";
  });
}

TEST(PoolKernelTest, GradientsAreAddedAndEqualDifferences) {
  Pooling pooling;
  const Doubles slope = Random(pooling.count.size() * 2 * kPoolWidth, 33);
  const Doubles of_rows = Random(pooling.rows.size(), 34), of_weight = Random(kPoolWidth, 35);
  const Floats rows = Single(pooling.rows), weight = Single(pooling.weight), out_gradient = Single(slope);
  const auto loss = [&] { return Dot(slope, pooling.ByLoops()); };
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output rows_gradient(of_rows), weight_gradient(of_weight);
    kernels.pool_back(pooling.Task(rows, weight), out_gradient.data(), {rows_gradient.data(), kPoolStride},
                      weight_gradient.data());
    ExpectGradient(rows_gradient, of_rows, &pooling.rows, loss, "of the rows", 7);
    ExpectGradient(weight_gradient, of_weight, &pooling.weight, loss, "of the weight");
  });
}

TEST(PoolKernelTest, RowsThatHoldTheLargestValueTogetherShareItsGradient) {
  Pooling pooling;
  pooling.first = {0};
  pooling.count = {17};
  // Channel w has its largest value in w % 17 + 1 rows.
  for (int64_t i = 0; i < 17; ++i) {
    for (int64_t w = 0; w < kPoolWidth; ++w) pooling.rows[i * kPoolStride + w] = i <= w % 17 ? 3 : -1.0 - i;
  }
  Floats slope(2 * kPoolWidth, 0.0F);  // Of the means there is none.
  std::fill(slope.begin() + kPoolWidth, slope.end(), 6.0F);
  const Floats rows = Single(pooling.rows), weight = Single(pooling.weight);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output rows_gradient(Doubles(rows.size(), 0.0)), weight_gradient(Doubles(kPoolWidth, 0.0));
    kernels.pool_back(pooling.Task(rows, weight), slope.data(), {rows_gradient.data(), kPoolStride},
                      weight_gradient.data());
    for (int64_t i = 0; i < 17; ++i) {
      for (int64_t w = 0; w < kPoolWidth; ++w) {
        const double expected = i <= w % 17 ? 6.0 / static_cast<double>(w % 17 + 1) : 0;
        EXPECT_NEAR(rows_gradient[i * kPoolStride + w], expected, 1e-6) << i << " " << w;
      }
    }
  });
}

TEST(PoolKernelTest, ScoresOfTenThousandGiveNoNan) {
  Pooling pooling;
  std::fill(pooling.weight.begin(), pooling.weight.end(), 0.0);
  pooling.weight[0] = 1;
  for (int64_t i = 0; i < kPoolRows; ++i) pooling.rows[i * kPoolStride] = i % 3 == 0 ? -1e4 : i % 3 == 1 ? 1e4 : i;
  const Doubles expected = pooling.ByLoops();
  const Floats rows = Single(pooling.rows), weight = Single(pooling.weight), slope(expected.size(), 1.0F);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(expected.size());
    kernels.pool(pooling.Task(rows, weight), out.data(), nullptr);
    ExpectClose(out, expected, "out");
    Output rows_gradient(Doubles(rows.size(), 0.0)), weight_gradient(Doubles(kPoolWidth, 0.0));
    kernels.pool_back(pooling.Task(rows, weight), slope.data(), {rows_gradient.data(), kPoolStride},
                      weight_gradient.data());
    EXPECT_TRUE(rows_gradient.IsFinite());
    EXPECT_TRUE(weight_gradient.IsFinite());
  });
}

// ---- Sums of table rows, and messages.

constexpr int64_t kTableRows = 6, kTableWidth = 48, kItems = 5, kColumns = 3;

// Rows that occur twice in an item and in several items, and items with some or no row at all.
const Rows& TableIndex() {
  static const auto* const index = new Rows{0, 5, 2, -1, 3, 3, -1, -1, -1, 5, -7, 0, 1, 1, 1};
  return *index;
}

TEST(SumRowsKernelTest, EqualsPlainLoops) {
  const Doubles table = Random(kTableRows * kTableWidth, 41);
  Doubles expected(kItems * kTableWidth, 0.0);
  for (int64_t i = 0; i < kItems * kColumns; ++i) {
    for (int64_t w = 0; TableIndex()[i] >= 0 && w < kTableWidth; ++w) {
      expected[i / kColumns * kTableWidth + w] += table[TableIndex()[i] * kTableWidth + w];
    }
  }
  const Floats single = Single(table);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(expected.size());
    kernels.sum_rows(single.data(), kTableWidth, TableIndex().data(), kItems, kColumns, out.data());
    ExpectClose(out, expected, "out", 1e-6);
  });
}

TEST(SumRowsKernelTest, GradientsAreAddedToTheRowsThatWereSummed) {
  const Doubles slope = Random(kItems * kTableWidth, 42), before = Random(kTableRows * kTableWidth, 43);
  Doubles expected = before;
  for (int64_t i = 0; i < kItems * kColumns; ++i) {
    for (int64_t w = 0; TableIndex()[i] >= 0 && w < kTableWidth; ++w) {
      expected[TableIndex()[i] * kTableWidth + w] += slope[i / kColumns * kTableWidth + w];
    }
  }
  const Floats out_gradient = Single(slope);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output table(before);
    kernels.sum_rows_back(out_gradient.data(), kTableWidth, TableIndex().data(), kItems, kColumns, table.data());
    ExpectClose(table, expected, "table", 1e-6);
  });
}

struct Messages {
  // Where the code is negative there is no neighbour, whatever stands there.
  Rows neighbor = {1, 2, 0, 0, 4, 4, 3, 3, 2, 2, 0, 4, 1, 1, 1},
       code = {0, 5, 2, -1, 3, 3, -1, -1, -1, 5, -1, 0, 1, 1, 2};
  Doubles rows = Random(kItems * kTableWidth, 51), table = Random(kTableRows * kTableWidth, 52);

  // Before relu, of neighbour `k` in channel `w`.
  double Passes(int64_t k, int64_t w) const {
    return rows[neighbor[k] * kTableWidth + w] + table[code[k] * kTableWidth + w];
  }
};

TEST(MessagesKernelTest, EqualsPlainLoops) {
  const Messages messages;
  Doubles expected(kItems * kTableWidth, 0.0);
  for (int64_t k = 0; k < kItems * kColumns; ++k) {
    for (int64_t w = 0; messages.code[k] >= 0 && w < kTableWidth; ++w) {
      expected[k / kColumns * kTableWidth + w] += std::max(0.0, messages.Passes(k, w));
    }
  }
  const Floats rows = Single(messages.rows), table = Single(messages.table);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output out(expected.size());
    kernels.messages(rows.data(), table.data(), kTableWidth, messages.neighbor.data(), messages.code.data(), kItems,
                     kColumns, out.data());
    ExpectClose(out, expected, "out", 1e-6);
  });
}

TEST(MessagesKernelTest, GradientsAreAddedToWhatPassed) {
  Messages messages;
  messages.table[5 * kTableWidth] = -messages.rows[2 * kTableWidth];  // A sum of exactly 0 does not pass.
  const Doubles slope = Random(kItems * kTableWidth, 53);
  const Doubles of_rows = Random(messages.rows.size(), 54), of_table = Random(messages.table.size(), 55);
  Doubles expected_rows = of_rows, expected_table = of_table;
  for (int64_t k = 0; k < kItems * kColumns; ++k) {
    for (int64_t w = 0; messages.code[k] >= 0 && w < kTableWidth; ++w) {
      if (messages.Passes(k, w) <= 0) continue;
      expected_rows[messages.neighbor[k] * kTableWidth + w] += slope[k / kColumns * kTableWidth + w];
      expected_table[messages.code[k] * kTableWidth + w] += slope[k / kColumns * kTableWidth + w];
    }
  }
  const Floats rows = Single(messages.rows), table = Single(messages.table), out_gradient = Single(slope);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output rows_gradient(of_rows), table_gradient(of_table);
    kernels.messages_back(rows.data(), table.data(), kTableWidth, messages.neighbor.data(), messages.code.data(),
                          kItems, kColumns, out_gradient.data(), rows_gradient.data(), table_gradient.data());
    ExpectClose(rows_gradient, expected_rows, "of the rows", 1e-6);
    ExpectClose(table_gradient, expected_table, "of the table", 1e-6);
  });
}

// ---- The optimiser's step.

struct AdamState {
  explicit AdamState(size_t size) : weights(Random(size, 61)), first(Random(size, 62, 0.1)), average(Random(size, 63)) {
    for (const double x : Random(size, 64, 0.1)) second.push_back(static_cast<float>(x * x));
    for (size_t i = 0; i < size; ++i) decayed.push_back(static_cast<float>(i % 2));
    gradient = Single(Random(size, 65));
  }
  AdamTask Task(Output* new_weights, Output* new_first, Output* new_second, Output* new_average) const {
    AdamTask task = {};
    task.size = static_cast<int64_t>(weights.size());
    task.weights = new_weights->data();
    task.first = new_first->data();
    task.second = new_second->data();
    task.average = new_average == nullptr ? nullptr : new_average->data();
    task.gradient = gradient.data();
    task.decayed = decayed.data();
    task.gradient_scale = 0.25F;
    task.beta1 = 0.9F;
    task.beta2 = 0.999F;
    task.lr = 0.02F;
    task.second_correction = 1.5F;
    task.epsilon = 1e-8F;
    task.decay = 0.001F;
    task.average_share = 0.125F;
    return task;
  }
  Doubles weights, first, second, average;
  Floats gradient, decayed;
};

TEST(AdamKernelTest, EqualsItsFormula) {
  for (const size_t size : {1, 15, 16, 17, 100}) {
    const AdamState state(size);
    Doubles weights = state.weights, first = state.first, second = state.second, average = state.average;
    for (size_t i = 0; i < size; ++i) {
      const double g = 0.25 * state.gradient[i], beta1 = 0.9F, beta2 = 0.999F;
      first[i] = beta1 * first[i] + (1 - beta1) * g;
      second[i] = beta2 * second[i] + (1 - beta2) * g * g;
      weights[i] -= 0.001F * state.decayed[i] * weights[i];
      weights[i] -= 0.02F * first[i] / (std::sqrt(second[i]) * 1.5 + 1e-8F);
      average[i] += 0.125 * (weights[i] - average[i]);
    }
    ForEachInstructionSet([&](const Kernels& kernels) {
      Output new_weights(state.weights), new_first(state.first), new_second(state.second), new_average(state.average);
      kernels.adam(state.Task(&new_weights, &new_first, &new_second, &new_average));
      ExpectClose(new_weights, weights, "weights", 1e-6);
      ExpectClose(new_first, first, "first", 1e-6);
      ExpectClose(new_second, second, "second", 1e-6);
      ExpectClose(new_average, average, "average", 1e-6);
      Output without_average(state.weights), another_first(state.first), another_second(state.second);
      kernels.adam(state.Task(&without_average, &another_first, &another_second, nullptr));
      EXPECT_TRUE(new_weights.Equals(without_average));
    });
  }
}

// So that the number of threads that share a step does not change it.
TEST(AdamKernelTest, PartsGiveTheBitsOfTheWhole) {
  const AdamState state(1000);
  ForEachInstructionSet([&](const Kernels& kernels) {
    Output weights(state.weights), first(state.first), second(state.second), average(state.average);
    kernels.adam(state.Task(&weights, &first, &second, &average));
    Output in_parts(state.weights), firsts(state.first), seconds(state.second), averages(state.average);
    const AdamTask whole = state.Task(&in_parts, &firsts, &seconds, &averages);
    const int64_t cuts[] = {0, 1, 4, 19, 35, 350, 351, 997, 1000};
    for (size_t i = 0; i + 1 < std::size(cuts); ++i) {
      AdamTask part = whole;
      part.size = cuts[i + 1] - cuts[i];
      part.weights += cuts[i];
      part.first += cuts[i];
      part.second += cuts[i];
      part.average += cuts[i];
      part.gradient += cuts[i];
      part.decayed += cuts[i];
      kernels.adam(part);
    }
    EXPECT_TRUE(weights.Equals(in_parts));
    EXPECT_TRUE(first.Equals(firsts));
    EXPECT_TRUE(second.Equals(seconds));
    EXPECT_TRUE(average.Equals(averages));
  });
}

}  // namespace
}  // namespace deepbindnet
