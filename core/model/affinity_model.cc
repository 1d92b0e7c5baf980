#include "core/model/affinity_model.h"

#include <algorithm>

namespace deepbindnet {
namespace {

constexpr double kNewShare = 0.05;  // Of the newest step in the running statistics of Standardize after the first ones.

}  // namespace

AffinityModelImpl::AffinityModelImpl(const ModelOptions& options)
    : options_(options),
      levels_(register_parameter("levels", LevelsOf(options), /*requires_grad=*/false)),
      shares_(register_parameter("shares", torch::full({options.members}, 1.0 / options.members),
                                 /*requires_grad=*/false)) {
  ModelOptions of_member = options;
  for (int i = 0; i < options.members; ++i) {
    members_->push_back(AffinityNetwork(of_member));
    of_member.similarity_prior = false;
  }
  register_module("members", members_);
}

torch::Tensor AffinityModelImpl::forward(const PairBatch& batch, std::vector<torch::Tensor>* gates,
                                         ForwardObserver* observer) {
  return Combine(PredictMembers(batch, gates, observer), shares_);
}

torch::Tensor AffinityModelImpl::PredictMembers(const PairBatch& batch, std::vector<torch::Tensor>* gates,
                                                ForwardObserver* observer) {
  std::vector<torch::Tensor> predictions;
  for (AffinityNetwork& member : members()) {
    if (observer != nullptr) observer->OnMember(shares_[static_cast<int64_t>(predictions.size())].item<double>());
    predictions.push_back(Expect(member->Score(batch, member->Encode(batch), gates, observer)));
  }
  return torch::stack(predictions);
}

torch::Tensor AffinityModelImpl::Expect(const torch::Tensor& scores) const {
  return (torch::softmax(scores, 1) * levels_).sum(1);
}

std::vector<AffinityNetwork> AffinityModelImpl::members() const {
  std::vector<AffinityNetwork> members;
  for (const auto& member : *members_) members.emplace_back(std::dynamic_pointer_cast<AffinityNetworkImpl>(member));
  return members;
}

torch::Tensor AffinityModelImpl::Prior(const SimilarityPrior::Molecules& molecules,
                                       const SimilarityPrior::Proteins& proteins,
                                       const std::vector<PairIndex>& pairs) const {
  if (prior_ == nullptr) return {};
  return prior_->Predict(molecules, proteins, pairs).to(levels_.device());
}

void AffinityModelImpl::set_generator(const at::Generator& generator) {
  for (AffinityNetwork& member : members()) member->set_generator(generator);
}

torch::Tensor Combine(const torch::Tensor& predictions, const torch::Tensor& shares) {
  torch::Tensor sum = predictions[0] * shares[0];
  for (int64_t i = 1; i < shares.size(0); ++i) sum = sum + predictions[i] * shares[i];
  return sum;
}

torch::Tensor TakeStatistics(const std::vector<AffinityModel>& replicas) {
  torch::Tensor taken;
  for (const AffinityModel& replica : replicas) {
    std::vector<torch::Tensor> parts;
    for (AffinityNetwork& member : replica->members()) parts.push_back(member->TakeStatistics());
    const torch::Tensor of_replica = torch::cat(parts);
    taken = taken.defined() ? taken + of_replica : of_replica;
  }
  return taken;
}

void CommitStatistics(const AffinityModel& model, const torch::Tensor& taken, int64_t steps) {
  const double share = std::max(kNewShare, 1 / (1 + static_cast<double>(steps)));
  const int64_t width = 1 + 4 * model->options().hidden_dim;  // Of what each remembers, whose rows are [2 * hidden].
  int64_t offset = 0;
  for (const AffinityNetwork& member : model->members()) {
    for (Standardize& scale : member->scales()) {
      scale->Commit(taken.narrow(0, offset, width), share);
      offset += width;
    }
  }
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.requires_grad() ? parameter.numel() : 0;
  return count;
}

}  // namespace deepbindnet
