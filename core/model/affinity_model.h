// The model: molecules and proteins in, z-scored affinities out.
#ifndef DEEPBINDNET_CORE_MODEL_AFFINITY_MODEL_H_
#define DEEPBINDNET_CORE_MODEL_AFFINITY_MODEL_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/data/batch.h"
#include "core/model/affinity_network.h"
#include "core/model/forward_observer.h"
#include "core/model/model_options.h"
#include "core/prior/similarity_prior.h"

namespace deepbindnet {

// One or more networks of the same sizes, the members, that start from different weights and learn the same: what each
// learns by chance differs, and the weighted mean of their predictions, which is the model's, is nearer the truth than
// theirs are. Of a model with a similarity prior the first member alone is told what that says: members that all are
// err as it does, and one that is not learns other things. The same weights answer whatever else is in the batch.
class AffinityModelImpl : public torch::nn::Module {
 public:
  explicit AffinityModelImpl(const ModelOptions& options);

  // Shape: -> [pairs] float, z-scored affinities in the order of the pairs given to EntityTable::Cut. The batch is on
  // the model's device. `gates` and `observer` are as AffinityNetwork::Score()'s, which sees one member after the
  // other.
  torch::Tensor forward(const PairBatch& batch, std::vector<torch::Tensor>* gates = nullptr,
                        ForwardObserver* observer = nullptr);

  // What each member says, of which Combine() with shares() makes what forward() returns. Shape: -> [members, pairs].
  torch::Tensor PredictMembers(const PairBatch& batch, std::vector<torch::Tensor>* gates = nullptr,
                               ForwardObserver* observer = nullptr);

  // The mean of the distributions that a member's scores stand for. Shape: [pairs, kLevels] -> [pairs].
  torch::Tensor Expect(const torch::Tensor& scores) const;

  std::vector<AffinityNetwork> members() const;

  // How much each member counts in the prediction; they add up to 1, and are alike at first. A parameter without
  // gradient: what is done to it counts. Shape: [members].
  torch::Tensor shares() const { return shares_; }

  // z-scored affinities. Shape: [kLevels].
  torch::Tensor levels() const { return levels_; }

  // What the batches' `prior` is to be from; null where nothing was fitted. No module's state: a checkpoint has it
  // beside the weights.
  const std::shared_ptr<const SimilarityPrior>& prior() const { return prior_; }
  void set_prior(std::shared_ptr<const SimilarityPrior> prior) { prior_ = std::move(prior); }

  // What the prior says of pairs, for PairBatch::prior, on the model's device; undefined where there is no prior.
  // Shape: -> [pairs, kPriorChannels].
  torch::Tensor Prior(const SimilarityPrior::Molecules& molecules, const SimilarityPrior::Proteins& proteins,
                      const std::vector<PairIndex>& pairs) const;

  // As AffinityHead's.
  void set_generator(const at::Generator& generator);

  const ModelOptions& options() const { return options_; }

 private:
  const ModelOptions options_;
  torch::nn::ModuleList members_;  // AffinityNetwork
  torch::Tensor levels_;           // [kLevels]; a parameter without gradient, so that it is where the weights are.
  torch::Tensor shares_;           // [members], likewise
  std::shared_ptr<const SimilarityPrior> prior_;
};
TORCH_MODULE(AffinityModel);

// The sum of the members' predictions times their shares, pair by pair, whatever else is in the batch.
// Shape: predictions [members, pairs], shares [members] -> [pairs].
torch::Tensor Combine(const torch::Tensor& predictions, const torch::Tensor& shares);

// What all replicas have seen in training mode since the last call, for CommitStatistics(). Those of several processes
// add up. Shape: [statistics] float, on the replicas' device.
torch::Tensor TakeStatistics(const std::vector<AffinityModel>& replicas);

// Moves the running statistics of a model towards what was seen, each pair counting once. `steps` is how often it was
// called before in this training.
void CommitStatistics(const AffinityModel& model, const torch::Tensor& taken, int64_t steps);

// Trainable values of a module.
int64_t CountParameters(const torch::nn::Module& module);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_MODEL_AFFINITY_MODEL_H_
