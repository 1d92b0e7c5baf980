// The order in which an epoch sees the training pairs.
#ifndef DEEPBINDNET_CORE_TRAINING_SAMPLER_H_
#define DEEPBINDNET_CORE_TRAINING_SAMPLER_H_

#include <cstdint>
#include <vector>

namespace deepbindnet {

// Pairs of one protein stand together in shuffled runs of this many, so that a batch encodes fewer distinct proteins.
inline constexpr int kPairsPerRun = 8;

// A seeded order of all pairs, different in every epoch, cut into batches of `batch_size` (the last may be smaller).
// `target` is each pair's protein. The same arguments give the same batches on every machine.
std::vector<std::vector<int64_t>> EpochBatches(const std::vector<int32_t>& target, int64_t batch_size, uint64_t seed,
                                               int epoch);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_SAMPLER_H_
