#include "core/training/batch_trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/mixed_precision.h"

namespace deepbindnet {
namespace {

// From where on bf16 is taken on a GPU: with 64 it is as fast as fp32 there, with 256 faster (decision 4).
constexpr int kLeastHiddenForHalf = 128;

// The part of `chosen` that rank `rank` of `size` takes.
std::vector<int64_t> ShareOf(const std::vector<int64_t>& chosen, int rank, int size) {
  const size_t share = (chosen.size() + size - 1) / size;
  const size_t begin = std::min(rank * share, chosen.size()), end = std::min(begin + share, chosen.size());
  return {chosen.begin() + begin, chosen.begin() + end};
}

// Where neighbouring parameters, from the `first` to the `last`, stand among all of the model's.
Optimizer::Part PartOf(const torch::Tensor& first, const torch::Tensor& last, const torch::Tensor& weights) {
  const float* const start = weights.data_ptr<float>();
  return {first.data_ptr<float>() - start, last.data_ptr<float>() + last.numel() - start};
}

std::vector<Optimizer::Part> MembersOf(const AffinityModel& model, const torch::Tensor& weights) {
  std::vector<Optimizer::Part> parts;
  for (const AffinityNetwork& member : model->members()) {
    const std::vector<torch::Tensor> parameters = member->parameters();
    parts.push_back(PartOf(parameters.front(), parameters.back(), weights));
  }
  return parts;
}

}  // namespace

absl::StatusOr<c10::optional<torch::Dtype>> ChooseHalf(const TrainingOptions& options, const torch::Device& device) {
  if (!options.mixed_precision) return c10::optional<torch::Dtype>();
  const bool bf16 = SupportsBf16(device), fp16 = device.is_cuda();
  switch (options.half_type) {
    case HalfType::kAuto: {
      const bool faster = device.is_cpu() || options.model.hidden_dim >= kLeastHiddenForHalf;
      return bf16 && faster ? c10::optional<torch::Dtype>(torch::kBFloat16) : c10::nullopt;
    }
    case HalfType::kBf16:
      if (bf16) return c10::optional<torch::Dtype>(torch::kBFloat16);
      break;
    case HalfType::kFp16:
      if (fp16) return c10::optional<torch::Dtype>(torch::kHalf);
      break;
  }
  return InvalidField("half_type", HalfTypeName(options.half_type),
                      absl::StrCat("is not what ", device.str(), " multiplies; give auto, or mixed_precision false"));
}

BatchTrainer::BatchTrainer(TrainingPairs data, const TrainingOptions& options, const torch::Device& device,
                           c10::optional<torch::Dtype> half, int replicas, Ranks* ranks)
    : ranks_(*ranks),
      replicas_(std::move(data), options, device, half, replicas),
      optimizer_(replicas_.modules(), OptimizerOptions{options.weight_decay, options.clip_norm, options.ema_decay}),
      members_(MembersOf(replicas_.model(), optimizer_.weights())),
      shares_(PartOf(replicas_.model()->shares(), replicas_.model()->shares(), optimizer_.weights())),
      climb_(options.sam_rho),
      scales_loss_(half == torch::kHalf),
      micro_batch_(options.batch_size) {}

absl::StatusOr<StepOutcome> BatchTrainer::Step(const std::vector<int64_t>& chosen, double lr, uint64_t seed,
                                               bool look_at_gates) {
  return Step(chosen, std::vector<double>(members_.size(), lr), seed, look_at_gates);
}

absl::StatusOr<StepOutcome> BatchTrainer::Step(const std::vector<int64_t>& chosen, const std::vector<double>& lr,
                                               uint64_t seed, bool look_at_gates) {
  StepOutcome outcome;
  outcome.pairs = ShareOf(chosen, ranks_.rank(), ranks_.size());
  Batch batch{static_cast<int64_t>(chosen.size()), seed, {}};
  for (size_t i = 0; i < lr.size(); ++i) {
    if (lr[i] > 0) batch.members.push_back(static_cast<int64_t>(i));
  }
  DBN_ASSIGN_OR_RETURN(const torch::Tensor loss, Gradient(batch, look_at_gates, &outcome));
  if (climb_ > 0) {
    const Optimizer::ClimbedWeights climbed(&optimizer_, members_, climb_);
    StepOutcome above;
    above.pairs = outcome.pairs;
    DBN_RETURN_IF_ERROR(Gradient(batch, /*look_at_gates=*/false, &above).status());
    if (!above.notice.empty()) outcome.notice = above.notice;
  }
  DBN_RETURN_IF_ERROR(Update(lr, loss, &outcome));
  return outcome;
}

absl::StatusOr<torch::Tensor> BatchTrainer::Gradient(const Batch& batch, bool look_at_gates, StepOutcome* outcome) {
  for (;;) {
    torch::Tensor loss = torch::zeros({}, torch::TensorOptions(torch::kFloat64).device(model()->levels().device()));
    const bool fits = Backward(batch, look_at_gates, &loss, outcome);
    const torch::Tensor failed = torch::tensor({fits ? 0.0 : 1.0}, torch::kFloat64);
    DBN_RETURN_IF_ERROR(ranks_.Sum(failed));
    if (failed.item<double>() == 0) {
      DBN_RETURN_IF_ERROR(ranks_.Sum(loss));
      DBN_RETURN_IF_ERROR(ranks_.Sum(optimizer_.SumGradients()));
      return loss;
    }
    DBN_RETURN_IF_ERROR(BackOff(outcome));
  }
}

bool BatchTrainer::Backward(const Batch& batch, bool look_at_gates, torch::Tensor* loss, StepOutcome* outcome) {
  optimizer_.ZeroGrad();
  replicas_.TakeStatistics();  // What an attempt that failed has left.
  replicas_.Seed(batch.seed, ranks_.rank());
  outcome->gates.clear();
  std::vector<torch::Tensor> predicted;
  const std::vector<int64_t>& pairs = outcome->pairs;
  try {
    for (size_t begin = 0; begin < pairs.size(); begin += micro_batch_) {
      const size_t end = std::min(begin + micro_batch_, pairs.size());
      BatchResult result = replicas_.Backward({pairs.begin() + begin, pairs.begin() + end}, batch.pairs,
                                              scales_loss_ ? scaler_.scale : 1, look_at_gates, batch.members);
      loss->add_(result.loss);
      predicted.push_back(std::move(result.predicted));
      outcome->gates = std::move(result.gates);
    }
  } catch (const std::exception& error) {
    if (!absl::IsResourceExhausted(ExceptionToStatus(error))) throw;
    return false;
  }
  outcome->predicted = predicted.empty() ? torch::empty({0}) : torch::cat(predicted).to(torch::kFloat32);
  return true;
}

absl::Status BatchTrainer::BackOff(StepOutcome* outcome) {
  if (micro_batch_ == 1) {
    return WithReason(absl::ResourceExhaustedError(
                          "memory runs out with one pair at a time: lower hidden_dim, feature_dim, fusion_layers or "
                          "max_sequence_length, or give the device more memory"),
                      "OUT_OF_MEMORY");
  }
  micro_batch_ = std::min<int>(micro_batch_, static_cast<int>(outcome->pairs.size()));
  micro_batch_ = std::max(1, micro_batch_ / 2);
  outcome->notice = absl::StrCat("memory ran out: computing at most ", micro_batch_,
                                 " pairs at once from here on; the optimiser's steps stay as large as they were");
  return absl::OkStatus();
}

absl::Status BatchTrainer::Update(const std::vector<double>& lr, const torch::Tensor& loss, StepOutcome* outcome) {
  const torch::Tensor statistics = replicas_.TakeStatistics();
  DBN_RETURN_IF_ERROR(ranks_.Sum(statistics));
  const int64_t steps = optimizer_.steps();
  outcome->gradient_norm = optimizer_.Step(members_, lr, scales_loss_ ? scaler_.scale : 1, loss);
  outcome->loss = loss.item<double>();
  outcome->finite = std::isfinite(outcome->loss);
  if (!outcome->finite) return absl::OkStatus();
  CommitStatistics(model(), statistics, steps);
  const bool taken = std::isfinite(outcome->gradient_norm);
  outcome->finite = scales_loss_ ? scaler_.Update(taken) : taken;
  return absl::OkStatus();
}

TensorDict BatchTrainer::State() const {
  TensorDict state = optimizer_.State();
  state.insert("loss_scale", MakeNumber(scaler_.scale));
  state.insert("loss_scale_good_steps", scaler_.good_steps);
  return state;
}

absl::Status BatchTrainer::LoadState(const TensorDict& state) {
  LossScaler scaler;
  DBN_ASSIGN_OR_RETURN(scaler.scale, GetNumber(state, "loss_scale"));
  DBN_ASSIGN_OR_RETURN(scaler.good_steps, GetInteger(state, "loss_scale_good_steps", 0, LossScaler::kStepsToGrow - 1));
  if (!(scaler.scale >= LossScaler::kSmallest) || !std::isfinite(scaler.scale)) {
    return absl::InvalidArgumentError("no finite number 'loss_scale' of 1 or more");
  }
  DBN_RETURN_IF_ERROR(optimizer_.LoadState(state));
  scaler_ = scaler;
  return absl::OkStatus();
}

}  // namespace deepbindnet
