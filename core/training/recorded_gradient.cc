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
  using Size = int64_t BatchSizes::*;
  for (const Size size :
       {&BatchSizes::molecules, &BatchSizes::proteins, &BatchSizes::atoms, &BatchSizes::tokens, &BatchSizes::pair_atoms,
        &BatchSizes::pair_tokens, &BatchSizes::most_atoms, &BatchSizes::most_tokens}) {
    grown = Grow(needed.*size, &(sizes->*size)) || grown;
  }
  return grown;
}

}  // namespace

RecordedGradient::RecordedGradient(const TrainingPairs& data, const TrainingOptions& options,
                                   const torch::Device& device, c10::optional<torch::Dtype> half, AffinityModel model,
                                   std::vector<int64_t> members, std::vector<at::Generator> generators, double weight)
    : data_(data),
      options_(options),
      device_(device),
      half_(half),
      model_(std::move(model)),
      members_(std::move(members)),
      generators_(std::move(generators)),
      weight_(weight) {}

std::vector<MemberResult> RecordedGradient::Add(const std::vector<int64_t>& chosen) {
  if (chosen != chosen_) Send(chosen);
  make_input_->Start();
  make_input_->Join();
  for (const Recording& recording : recordings_) recording.graph->Start();
  std::vector<MemberResult> results;
  for (const Recording& recording : recordings_) {
    recording.graph->Join();
    results.push_back(recording.result);
  }
  const torch::Tensor seen = torch::cat(seen_statistics_);
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
  recordings_.clear();
  seen_statistics_.clear();
  input_ = {};
  make_input_.reset();
  integers_ = ToDevice(packed.integers, device_);
  const torch::Tensor before = deepbindnet::TakeStatistics({model_});  // Is not to be added to by what is recorded.
  statistics_ = statistics_.defined() ? statistics_ + before : before;
  make_input_ = std::make_unique<DeviceGraph>(
      [&] { input_ = MakeInput(data_, packed, integers_, options_.feature_dropout_rate, generators_[0]); },
      std::vector<at::Generator>{generators_[0]});
  const std::vector<AffinityNetwork> networks = model_->members();
  for (AffinityNetwork network : networks) seen_statistics_.push_back(network->TakeStatistics());  // Zeros by now.
  for (const int64_t member : members_) {
    Recording recording;
    recording.graph = std::make_unique<DeviceGraph>(
        [&] {
          recording.result = AddGradient(model_, networks[member], input_, options_, half_, weight_, /*loss_scale=*/1,
                                         /*gates=*/nullptr);
          seen_statistics_[member] = AffinityNetwork(networks[member])->TakeStatistics();
        },
        std::vector<at::Generator>{generators_[member + 1]});
    recordings_.push_back(std::move(recording));
  }
}

torch::Tensor RecordedGradient::TakeStatistics() { return std::exchange(statistics_, torch::Tensor()); }

}  // namespace deepbindnet
