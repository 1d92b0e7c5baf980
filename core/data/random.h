// Seeded randomness. Below(), Uniform(), Shuffle() and Pick() give the same on every platform and with every standard
// library; Normal() does up to the rounding of the logarithm and the cosine.
#ifndef DEEPBINDNET_CORE_DATA_RANDOM_H_
#define DEEPBINDNET_CORE_DATA_RANDOM_H_

#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace deepbindnet {

// Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  // Uniform in [0, bound); bound > 0. The bias of the remainder is below bound / 2^64.
  uint64_t Below(uint64_t bound) { return engine_() % bound; }

  // Uniform in [0, 1).
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

  // Normal with mean 0 and standard deviation 1.
  double Normal() {
    constexpr double kTwoPi = 6.283185307179586;
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(kTwoPi * Uniform());
  }

  template <typename T>
  void Shuffle(std::vector<T>* values) {
    for (size_t i = values->size(); i > 1; --i) std::swap((*values)[i - 1], (*values)[Below(i)]);
  }

  template <typename Container>
  const auto& Pick(const Container& values) {
    return values[Below(values.size())];
  }

 private:
  std::mt19937_64 engine_;  // Its sequence is fixed by the standard.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_DATA_RANDOM_H_
