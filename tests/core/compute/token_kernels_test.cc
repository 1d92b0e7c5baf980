// The kernels of the gated residual and of pooling of every instruction set that this machine has, against plain loops
// in double precision; gradients against central differences of those loops.
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

}  // namespace
}  // namespace deepbindnet
