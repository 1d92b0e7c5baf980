// The gradient of some pairs on a GPU, recorded once.
#ifndef DEEPBINDNET_CORE_TRAINING_RECORDED_GRADIENT_H_
#define DEEPBINDNET_CORE_TRAINING_RECORDED_GRADIENT_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/compute/device_graph.h"
#include "core/model/affinity_model.h"
#include "core/training/member_gradient.h"

namespace deepbindnet {

// Computes the gradients of some members for batches of one number of pairs, which are filled up to one size: a graph
// makes the input, and one for each member, which run side by side, the gradients. A batch that is larger than those
// before is recorded anew. Not thread-safe.
class RecordedGradient {
 public:
  // Of batches whose mean losses count `weight`, for the model's `members`. `generators` are those of the input and of
  // the dropout of each of the model's. What is referred to lives longer.
  RecordedGradient(const TrainingPairs& data, const TrainingOptions& options, const torch::Device& device,
                   c10::optional<torch::Dtype> half, AffinityModel model, std::vector<int64_t> members,
                   std::vector<at::Generator> generators, double weight);

  // The results of these members, which the next call overwrites. All batches have as many pairs as the first.
  std::vector<MemberResult> Add(const std::vector<int64_t>& chosen);

  // As the function of this name, of what the graphs saw.
  torch::Tensor TakeStatistics();

 private:
  void Send(const std::vector<int64_t>& chosen);
  void Record(const PackedBatch& packed);

  const TrainingPairs& data_;
  const TrainingOptions& options_;
  const torch::Device device_;
  const c10::optional<torch::Dtype> half_;
  AffinityModel model_;
  const std::vector<int64_t> members_;
  const std::vector<at::Generator> generators_;
  const double weight_;

  BatchSizes sizes_;  // Of what is recorded.
  torch::Tensor integers_;
  std::vector<int64_t> chosen_;  // Whose integers are on the device: sharpness-aware minimisation wants them twice.
  GradientInput input_;
  std::unique_ptr<DeviceGraph> make_input_;
  struct Recording {
    std::unique_ptr<DeviceGraph> graph;
    MemberResult result;
  };
  std::vector<Recording> recordings_;           // One of each of `members_`.
  std::vector<torch::Tensor> seen_statistics_;  // What each of the model's members saw, by the last batch.
  torch::Tensor statistics_;                    // Since they were taken; undefined where there are none.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_RECORDED_GRADIENT_H_
