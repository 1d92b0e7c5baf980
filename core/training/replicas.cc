#include "core/training/replicas.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "core/model/mixed_precision.h"
#include "core/training/loss.h"

namespace deepbindnet {
namespace {

constexpr int kLeastShare = 32;             // Pairs.
constexpr uint64_t kMostGenerators = 1009;  // Of all processes: seeds of different steps do not meet.

// Leaves a share of the environments and triplets out.
void DropFeatures(double rate, const at::Generator& generator, PairBatch* batch) {
  if (rate == 0) return;
  for (torch::Tensor* index : {&batch->environments, &batch->triplets}) {
    const torch::Tensor draws = torch::empty(index->sizes(), index->options().dtype(torch::kFloat32));
    draws.uniform_(0, 1, generator);
    index->masked_fill_(draws < rate, -1);
  }
  batch->kept_environments = batch->kept_triplets = 1 - rate;
}

}  // namespace

int CountReplicas(const torch::Device& device, int batch_size) {
  return device.is_cpu() ? std::min(at::get_num_threads(), MostReplicas(batch_size)) : 1;
}

int MostReplicas(int batch_size) { return std::max(1, batch_size / kLeastShare); }

Replicas::Replicas(TrainingPairs data, const TrainingOptions& options, const torch::Device& device,
                   c10::optional<torch::Dtype> half, int count)
    : data_(std::move(data)), options_(options), device_(device), half_(half), pool_(count) {
  torch::manual_seed(options_.seed);
  for (int i = 0; i < count; ++i) {
    models_.emplace_back(options_.model);
    models_.back()->to(device);
    generators_.push_back(device.is_cpu() ? at::detail::createCPUGenerator()
                                          : at::globalContext().defaultGenerator(device));
    models_.back()->set_generator(generators_.back());
  }
  Seed(options_.seed, /*rank=*/0);
}

std::vector<const torch::nn::Module*> Replicas::modules() const {
  std::vector<const torch::nn::Module*> modules;
  for (const AffinityModel& model : models_) modules.push_back(model.get());
  return modules;
}

void Replicas::Seed(uint64_t seed, int rank) {
  const uint64_t first = seed * kMostGenerators + static_cast<uint64_t>(rank) * generators_.size();
  for (size_t i = 0; i < generators_.size(); ++i) generators_[i].set_current_seed(first + i);
}

BatchResult Replicas::Backward(const std::vector<int64_t>& chosen, int64_t pairs, double loss_scale,
                               bool look_at_gates) {
  // Neighbours stay together: they often share a protein.
  const size_t share = (chosen.size() + models_.size() - 1) / models_.size();
  std::vector<BatchResult> results(models_.size());
  pool_.Run([&](int replica) {
    const size_t begin = std::min(replica * share, chosen.size()), end = std::min(begin + share, chosen.size());
    if (begin == end) return;
    results[replica] = BackwardShare(models_[replica], {chosen.begin() + begin, chosen.begin() + end}, pairs,
                                     loss_scale, look_at_gates, generators_[replica]);
  });
  BatchResult whole;
  std::vector<torch::Tensor> predicted;
  for (const BatchResult& result : results) {
    if (!result.predicted.defined()) continue;
    whole.loss = whole.loss.defined() ? whole.loss + result.loss : result.loss;
    predicted.push_back(result.predicted);
    whole.gates.insert(whole.gates.end(), result.gates.begin(), result.gates.end());
  }
  whole.predicted = torch::cat(predicted);
  return whole;
}

BatchResult Replicas::BackwardShare(AffinityModel model, const std::vector<int64_t>& chosen, int64_t pairs,
                                    double loss_scale, bool look_at_gates, const at::Generator& generator) {
  model->train();
  std::vector<PairIndex> indices;
  for (const int64_t pair : chosen) indices.push_back(data_.pairs[pair]);
  PairBatch batch = data_.entities.Cut(indices);
  DropFeatures(options_.feature_dropout_rate, generator, &batch);
  const torch::Tensor rows = torch::tensor(chosen).to(device_);
  const torch::Tensor truth = data_.z.index_select(0, rows);
  if (data_.prior.defined()) batch.prior = data_.prior.index_select(0, rows);
  const double weight = static_cast<double>(chosen.size()) / static_cast<double>(pairs) / options_.model.members;
  const std::vector<double> share = model->shares();
  BatchResult result;
  result.loss = torch::zeros({}, truth.options().dtype(torch::kFloat64));
  result.predicted = torch::zeros_like(truth);
  for (size_t i = 0; i < share.size(); ++i) {
    AffinityNetwork member = model->members()[i];
    torch::Tensor scores;
    {
      const MixedPrecisionScope scope(device_, half_);
      scores = member->Score(batch, member->Encode(batch), look_at_gates ? &result.gates : nullptr);
    }
    const torch::Tensor predicted = model->Expect(scores);
    const torch::Tensor loss = (ComputeLoss(options_.loss, predicted, truth) +
                                options_.distribution_weight * DistributionLoss(scores, model->levels(), truth)) *
                               weight;
    (loss_scale == 1 ? loss : loss * loss_scale).backward();
    result.loss += loss.detach();
    result.predicted.add_(predicted.detach(), share[i]);
  }
  return result;
}

}  // namespace deepbindnet
