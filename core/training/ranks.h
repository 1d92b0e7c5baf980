// What the processes that train one model together tell each other, over LibTorch's c10d: Gloo on the CPU, NCCL on a
// GPU.
#ifndef DEEPBINDNET_CORE_TRAINING_RANKS_H_
#define DEEPBINDNET_CORE_TRAINING_RANKS_H_

#include <torch/torch.h>

#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/training/rank_place.h"

namespace deepbindnet {

// Every rank makes the same calls in the same order; each blocks until all ranks have made it. With one rank nothing is
// sent. A rank that is gone makes the calls of the others fail at once: INTERNAL with reason RANK_LOST. After an error
// no further call may be made. Not thread-safe.
class Ranks {
 public:
  // Waits until all ranks are there, at most place.connect_seconds. UNAVAILABLE (RANKS_MISSING) naming this rank and
  // the master's address where they are not.
  static absl::StatusOr<std::unique_ptr<Ranks>> Connect(const RankPlace& place, const torch::Device& device);

  virtual ~Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool writes() const { return rank_ == 0; }  // Whether this process writes the run's files.

  // Replaces the tensor by the sum of all ranks' tensors, the same bits on every rank. Any shape, the same on all;
  // float or double, on any device, contiguous.
  virtual absl::Status Sum(torch::Tensor tensor) = 0;

  // Replaces the tensor by rank 0's. Any type; shape and place as for Sum().
  virtual absl::Status Broadcast(torch::Tensor tensor) = 0;

  // Rank 0's text, on every rank.
  absl::StatusOr<std::string> BroadcastText(std::string text);

 protected:
  Ranks(int rank, int size) : rank_(rank), size_(size) {}

 private:
  const int rank_, size_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_RANKS_H_
