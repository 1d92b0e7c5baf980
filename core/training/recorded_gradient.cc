#include "core/training/recorded_gradient.h"

#include <algorithm>
#include <utility>

namespace deepbindnet {
namespace {

// Makes `size` at least `needed`, with some room where it has to grow; returns whether it had to.
bool Grow(int64_t needed, int64_t* size) {
  if (needed <= *size) return false;
  *size = needed + needed / 16;
  return true;
}

bool Grow(const BatchSizes& needed, BatchSizes* sizes) {
  bool grown = false;
  for (int64_t BatchSizes::*const size :
       {&BatchSizes::molecules, &BatchSizes::proteins, &BatchSizes::atoms, &BatchSizes::tokens, &BatchSizes::pair_atoms,
        &BatchSizes::pair_tokens, &BatchSizes::most_atoms, &BatchSizes::most_tokens}) {
    grown = Grow(needed.*size, &(sizes->*size)) || grown;
  }
  return grown;
}

}  // namespace

RecordedGradient::RecordedGradient(const TrainingPairs& data, const TrainingOptions& options,
                                   const torch::Device& device, c10::optional<torch::Dtype> half, AffinityModel model,
                                   std::vector<at::Generator> generators, double weight)
    : data_(data),
      options_(options),
      device_(device),
      half_(half),
      model_(std::move(model)),
      generators_(std::move(generators)),
      weight_(weight) {}

std::vector<MemberResult> RecordedGradient::Add(const std::vector<int64_t>& chosen) {
  if (chosen != chosen_) Send(chosen);
  make_input_->Start();
  make_input_->Join();
  for (const Member& member : members_) member.graph->Start();
  std::vector<MemberResult> results;
  std::vector<torch::Tensor> statistics;
  for (const Member& member : members_) {
    member.graph->Join();
    results.push_back(member.result);
    statistics.push_back(member.statistics);
  }
  const torch::Tensor seen = torch::cat(statistics);
  statistics_ = statistics_.defined() ? statistics_ + seen : seen;
  return results;
}

void RecordedGradient::Send(const std::vector<int64_t>& chosen) {
  chosen_.clear();
  PackedBatch packed = PackChosen(data_, chosen, sizes_);
  if (Grow(packed.Sizes(), &sizes_)) {
    packed = PackChosen(data_, chosen, sizes_);
    Record(packed);
  }
  integers_.copy_(ToDevice(packed.integers, device_));
  chosen_ = chosen;
}

void RecordedGradient::Record(const PackedBatch& packed) {
  members_.clear();
  input_ = {};
  make_input_.reset();
  integers_ = ToDevice(packed.integers, device_);
  const torch::Tensor before = deepbindnet::TakeStatistics({model_});  // Is not to be added to by what is recorded.
  statistics_ = statistics_.defined() ? statistics_ + before : before;
  make_input_ = std::make_unique<DeviceGraph>(
      [&] { input_ = MakeInput(data_, packed, integers_, options_.feature_dropout_rate, generators_[0]); },
      std::vector<at::Generator>{generators_[0]});
  const std::vector<AffinityNetwork> networks = model_->members();
  for (size_t i = 0; i < networks.size(); ++i) {
    Member member;
    member.graph = std::make_unique<DeviceGraph>(
        [&] {
          member.result = AddGradient(model_, networks[i], input_, options_, half_, weight_, /*loss_scale=*/1,
                                      /*gates=*/nullptr);
          member.statistics = AffinityNetwork(networks[i])->TakeStatistics();
        },
        std::vector<at::Generator>{generators_[i + 1]});
    members_.push_back(std::move(member));
  }
}

torch::Tensor RecordedGradient::TakeStatistics() { return std::exchange(statistics_, torch::Tensor()); }

}  // namespace deepbindnet
