// The kernels of tables, neighbours and the optimiser of every instruction set that this machine has, against plain
// loops in double precision; gradients against central differences of those loops.
#include "core/compute/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "tests/core/compute/kernel_checks.h"

namespace deepbindnet {
namespace {

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
    task.norm = &norm;
    task.loss_scale = 2;
    task.clip_norm = 3;  // Half of the norm that is left.
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
  float norm = 12;
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

TEST(AdamKernelTest, ClipsNothingThatIsNotTooLarge) {
  AdamState clipped(40), plain(40);
  clipped.norm = 5.9F;
  plain.norm = 0.1F;
  ForEachInstructionSet([&](const Kernels& kernels) {
    const auto step = [&kernels](const AdamState& state, float clip_norm) {
      auto weights = std::make_unique<Output>(state.weights);
      Output first(state.first), second(state.second);
      AdamTask task = state.Task(weights.get(), &first, &second, nullptr);
      task.clip_norm = clip_norm;
      kernels.adam(task);
      return weights;
    };
    EXPECT_TRUE(step(clipped, 3)->Equals(*step(plain, 3)));
    EXPECT_TRUE(step(clipped, 0)->Equals(*step(plain, 3))) << "0 does not clip";
    EXPECT_FALSE(step(clipped, 1)->Equals(*step(plain, 3)));
  });
}

TEST(AdamKernelTest, ChangesNothingWithoutAFiniteNorm) {
  AdamState state(40);
  for (const float norm : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    state.norm = norm;
    ForEachInstructionSet([&](const Kernels& kernels) {
      Output weights(state.weights), first(state.first), second(state.second), average(state.average);
      kernels.adam(state.Task(&weights, &first, &second, &average));
      EXPECT_TRUE(weights.Equals(Output(state.weights)));
      EXPECT_TRUE(first.Equals(Output(state.first)));
      EXPECT_TRUE(second.Equals(Output(state.second)));
      EXPECT_TRUE(average.Equals(Output(state.average)));
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
