#include "core/training/replicas.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "core/model/mixed_precision.h"
#include "core/training/loss.h"

namespace deepbindnet {
namespace {

constexpr int kLeastShare = 32;  // Pairs.

}  // namespace

int CountReplicas(const torch::Device& device, int batch_size) {
  return device.is_cpu() ? std::min(at::get_num_threads(), MostReplicas(batch_size)) : 1;
}

int MostReplicas(int batch_size) { return std::max(1, batch_size / kLeastShare); }

Replicas::Replicas(TrainingPairs data, const TrainingOptions& options, const torch::Device& device,
                   bool mixed_precision, int count)
    : data_(std::move(data)), options_(options), device_(device), mixed_precision_(mixed_precision), pool_(count) {
  torch::manual_seed(options_.seed);
  for (int i = 0; i < count; ++i) {
    models_.emplace_back(options_.model);
    models_.back()->to(device);
    generators_.push_back(device.is_cpu() ? at::detail::createCPUGenerator()
                                          : at::globalContext().defaultGenerator(device));
    models_.back()->set_generator(generators_.back());
  }
  Seed(options_.seed);
}

std::vector<const torch::nn::Module*> Replicas::modules() const {
  std::vector<const torch::nn::Module*> modules;
  for (const AffinityModel& model : models_) modules.push_back(model.get());
  return modules;
}

void Replicas::Seed(uint64_t seed) {
  for (size_t i = 0; i < generators_.size(); ++i) generators_[i].set_current_seed(seed * 1009 + i);
}

BatchResult Replicas::Backward(const std::vector<int64_t>& chosen, int64_t steps, bool look_at_gates) {
  // Neighbours stay together: they often share a protein.
  const size_t share = (chosen.size() + models_.size() - 1) / models_.size();
  std::vector<BatchResult> results(models_.size());
  pool_.Run([&](int replica) {
    const size_t begin = std::min(replica * share, chosen.size()), end = std::min(begin + share, chosen.size());
    if (begin == end) return;
    const double weight = static_cast<double>(end - begin) / static_cast<double>(chosen.size());
    results[replica] =
        BackwardShare(models_[replica], {chosen.begin() + begin, chosen.begin() + end}, weight, look_at_gates);
  });
  CommitStatistics(models_, steps);
  BatchResult whole;
  std::vector<torch::Tensor> predicted;
  for (const BatchResult& result : results) {
    if (!result.predicted.defined()) continue;
    whole.loss += result.loss;
    predicted.push_back(result.predicted);
    whole.gates.insert(whole.gates.end(), result.gates.begin(), result.gates.end());
  }
  whole.predicted = torch::cat(predicted);
  return whole;
}

BatchResult Replicas::BackwardShare(AffinityModel model, const std::vector<int64_t>& chosen, double weight,
                                    bool look_at_gates) {
  model->train();
  std::vector<PairIndex> pairs;
  for (const int64_t pair : chosen) pairs.push_back(data_.pairs[pair]);
  const PairBatch batch =
      MakeBatch(data_.molecules, data_.proteins, pairs, options_.model.residues_per_token).To(device_);
  const torch::Tensor truth = data_.z.index_select(0, torch::tensor(chosen).to(device_));
  BatchResult result;
  torch::Tensor predicted;
  {
    const MixedPrecisionScope scope(device_, mixed_precision_);
    predicted = model->forward(batch, look_at_gates ? &result.gates : nullptr);
  }
  const torch::Tensor loss = ComputeLoss(options_.loss, predicted, truth) * weight;
  loss.backward();
  result.loss = loss.item<double>();
  result.predicted = predicted.detach();
  return result;
}

}  // namespace deepbindnet
