// What the tests of kernels compare with, and where they let kernels write.
#ifndef DEEPBINDNET_TESTS_CORE_COMPUTE_KERNEL_CHECKS_H_
#define DEEPBINDNET_TESTS_CORE_COMPUTE_KERNEL_CHECKS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/compute/kernels.h"

namespace deepbindnet {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;
using Rows = std::vector<int64_t>;

// Values that a float holds exactly.
inline Doubles Random(size_t count, uint32_t seed, double scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Doubles values;
  for (size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(scale) * normal(random));
  return values;
}

inline Floats Single(const Doubles& values) { return Floats(values.begin(), values.end()); }

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

inline void ExpectClose(const Output& actual, const Doubles& expected, const std::string& what,
                        double tolerance = 1e-5) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * std::max(1.0, std::abs(expected[i]))) << what << "[" << i << "]";
  }
}

// That `gradient` is what it was before, `before`, plus the derivative of `loss` by `values`, in every `step`th entry.
inline void ExpectGradient(const Output& gradient, const Doubles& before, Doubles* values,
                           const std::function<double()>& loss, const std::string& what, size_t step = 1) {
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

inline double Dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// softmax of scores.
inline Doubles Shares(Doubles scores) {
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (double& score : scores) score /= sum;
  return scores;
}

inline void ForEachInstructionSet(const std::function<void(const Kernels&)>& check) {
  for (const Kernels* const* kernels = AllKernels(); *kernels != nullptr; ++kernels) {
    SCOPED_TRACE((*kernels)->name);
    check(**kernels);
  }
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_CORE_COMPUTE_KERNEL_CHECKS_H_
