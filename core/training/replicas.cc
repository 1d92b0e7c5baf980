#include "core/training/replicas.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "core/compute/device_graph.h"

namespace deepbindnet {
namespace {

constexpr int kLeastShare = 32;             // Pairs.
constexpr uint64_t kMostGenerators = 1009;  // Of all processes: seeds of different steps do not meet.
constexpr int kBatchesBeforeRecording = 3;  // Of one size: what is set up at its first use cannot be recorded.

at::Generator MakeGenerator(const torch::Device& device) {
  return device.is_cpu() ? at::detail::createCPUGenerator() : at::globalContext().defaultGenerator(device).clone();
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
    generators_.push_back(MakeGenerator(device));
    models_.back()->set_generator(generators_.back());
  }
  if (DeviceGraph::Supports(device)) {  // Members that run side by side draw from generators of their own.
    for (AffinityNetwork& member : model()->members()) {
      generators_.push_back(MakeGenerator(device));
      member->set_generator(generators_.back());
    }
  }
  for (int64_t i = 0; i < options_.model.members; ++i) all_members_.push_back(i);
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

BatchResult Replicas::Backward(const std::vector<int64_t>& chosen, int64_t pairs, double loss_scale, bool look_at_gates,
                               const std::vector<int64_t>& members) {
  if (members.empty()) return Backward(chosen, pairs, loss_scale, look_at_gates, all_members_);
  for (const AffinityModel& model : models_) AffinityModel(model)->train();
  const double weight_of_pair = 1 / static_cast<double>(pairs) / static_cast<double>(members.size());
  if (BatchResult result; !look_at_gates && loss_scale == 1 && Replay(chosen, members, weight_of_pair, &result)) {
    return result;
  }
  // Neighbours stay together: they often share a protein.
  const size_t share = (chosen.size() + models_.size() - 1) / models_.size();
  std::vector<BatchResult> results(models_.size());
  pool_.Run([&](int replica) {
    const size_t begin = std::min(replica * share, chosen.size()), end = std::min(begin + share, chosen.size());
    if (begin == end) return;
    results[replica] = BackwardShare(models_[replica], {chosen.begin() + begin, chosen.begin() + end}, members,
                                     weight_of_pair, loss_scale, look_at_gates, generators_[replica]);
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

BatchResult Replicas::BackwardShare(const AffinityModel& model, const std::vector<int64_t>& chosen,
                                    const std::vector<int64_t>& members, double weight_of_pair, double loss_scale,
                                    bool look_at_gates, const at::Generator& generator) {
  const PackedBatch packed = PackChosen(data_, chosen, BatchSizes());
  const GradientInput input =
      MakeInput(data_, packed, ToDevice(packed.integers, device_), options_.feature_dropout_rate, generator);
  const std::vector<AffinityNetwork> networks = model->members();
  std::vector<torch::Tensor> gates;
  std::vector<MemberResult> results;
  for (const int64_t member : members) {
    results.push_back(AddGradient(model, networks[member], input, options_, half_,
                                  weight_of_pair * static_cast<double>(chosen.size()), loss_scale,
                                  look_at_gates ? &gates : nullptr));
  }
  BatchResult result = SumUp(members, results);
  result.gates = std::move(gates);
  return result;
}

BatchResult Replicas::SumUp(const std::vector<int64_t>& members, const std::vector<MemberResult>& results) const {
  const torch::Tensor shares = model()->shares();
  torch::Tensor share_of_all = torch::zeros_like(shares[0]);
  BatchResult sum;
  sum.loss = torch::zeros({}, results[0].loss.options().dtype(torch::kFloat64));
  sum.predicted = torch::zeros_like(results[0].predicted);
  for (size_t i = 0; i < members.size(); ++i) {
    sum.loss += results[i].loss;
    sum.predicted += results[i].predicted * shares[members[i]];
    share_of_all += shares[members[i]];
  }
  sum.predicted /= share_of_all;
  return sum;
}

bool Replicas::Replay(const std::vector<int64_t>& chosen, const std::vector<int64_t>& members, double weight_of_pair,
                      BatchResult* result) {
  if (!DeviceGraph::Supports(device_)) return false;
  const std::tuple batch(chosen.size(), members, weight_of_pair);
  if (recorded_ == nullptr || recorded_batch_ != batch) {
    in_a_row_ = last_batch_ == batch ? in_a_row_ + 1 : 1;
    last_batch_ = batch;
    if (in_a_row_ <= kBatchesBeforeRecording) return false;
    recorded_.reset();  // Its memory is free before the next takes some.
    recorded_ = std::make_unique<RecordedGradient>(data_, options_, device_, half_, model(), members, generators_,
                                                   weight_of_pair * static_cast<double>(chosen.size()));
    recorded_batch_ = batch;
  }
  try {
    *result = SumUp(members, recorded_->Add(chosen));
  } catch (const std::exception&) {
    recorded_.reset();
    in_a_row_ = 0;
    throw;
  }
  return true;
}

torch::Tensor Replicas::TakeStatistics() const {
  const torch::Tensor taken = deepbindnet::TakeStatistics(models_);
  const torch::Tensor recorded = recorded_ == nullptr ? torch::Tensor() : recorded_->TakeStatistics();
  return recorded.defined() ? taken + recorded : taken;
}

}  // namespace deepbindnet
