// What a training step costs and where its time goes, on a processed data set:
//   deepbindnet_step_bench DATA_DIR [DEVICE [SECONDS [BATCH_SIZE]]]
// trains each preset in each precision for SECONDS (20) on DEVICE (auto) and prints one JSON line for each: seconds per
// epoch (of all the part's pairs, from the rate of these steps), pairs a second, FLOP/s in matrix products beside what
// one large product reaches there, and the shares of the time that the parts of a step take. The shares are measured
// apart, one replica with one thread after the other: the encoders with their backward pass, the fusion with the head
// and its backward pass, the optimiser, and the making of batches.
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "core/compute/threads.h"
#include "core/compute/torch_util.h"
#include "core/data/processed_dataset.h"
#include "core/model/mixed_precision.h"
#include "core/model/predict_pairs.h"
#include "core/training/batch_trainer.h"
#include "core/training/loss.h"
#include "core/training/sampler.h"

namespace deepbindnet {
namespace {

constexpr int kWarmUpSteps = 3, kProfiledSteps = 12;

using Clock = std::chrono::steady_clock;
double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

TrainingPairs PairsOfTrain(const ProcessedDataset& data, int residues_per_token, const torch::Device& device) {
  std::vector<float> z;
  for (const double affinity : data.train.affinity) z.push_back(static_cast<float>(data.scaler.Scale(affinity)));
  return {EntityTable(GraphsOf(data), TokensOf(data), residues_per_token, FeaturesOf(data), device),
          PairsOf(data.train), torch::tensor(z).to(device)};
}

// Seconds in the parts of some steps, their pairs, and the FLOPs of their matrix products.
struct Parts {
  double data = 0, encoder = 0, fusion = 0, optimizer = 0;
  double pairs = 0, flops = 0;
};

// Adds the time since the last call to a part.
class StopWatch {
 public:
  explicit StopWatch(const torch::Device& device) : device_(device) { Restart(); }
  void Restart() {
    if (device_.is_cuda()) torch::cuda::synchronize();
    last_ = Clock::now();
  }
  void AddTo(double* part) {
    if (device_.is_cuda()) torch::cuda::synchronize();
    *part += SecondsSince(last_);
    last_ = Clock::now();
  }

 private:
  const torch::Device device_;
  Clock::time_point last_;
};

std::atomic<double> products{0};  // FLOPs of the matrix products since it was set.

void CountProduct(const at::RecordFunction& function) {
  const std::string name = function.name();
  const size_t first = name == "aten::addmm" || name == "aten::_addmm_activation" ? 1 : 0;
  if (first == 0 && name != "aten::mm" && name != "aten::bmm") return;
  const torch::Tensor a = function.inputs()[first].toTensor(), b = function.inputs()[first + 1].toTensor();
  const double added = 2.0 * static_cast<double>(a.numel()) * static_cast<double>(b.size(-1));
  for (double before = products; !products.compare_exchange_weak(before, before + added);) continue;
}

// FLOP/s of a product of square matrices.
double Ceiling(const torch::Device& device, c10::optional<torch::Dtype> half) {
  const int64_t size = device.is_cuda() ? 8192 : 2048;
  constexpr int kTimes = 10;
  const auto options = torch::TensorOptions(device).dtype(half ? *half : torch::kFloat32);
  const torch::Tensor a = torch::randn({size, size}, options), b = torch::randn({size, size}, options);
  torch::mm(a, b);
  double seconds = 0;
  StopWatch watch(device);
  for (int i = 0; i < kTimes; ++i) torch::mm(a, b);
  watch.AddTo(&seconds);
  return kTimes * 2.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size) / seconds;
}

// A tensor whose gradient stops there, to go backward from it later.
torch::Tensor Cut(const torch::Tensor& x) { return x.detach().requires_grad_(true); }

Parts Profile(const TrainingPairs& data, const TrainingOptions& options, const torch::Device& device,
              c10::optional<torch::Dtype> half, const std::vector<std::vector<int64_t>>& batches) {
  AffinityModel model(options.model);
  model->to(device);
  model->train();
  AffinityNetwork network = model->members().front();
  Optimizer optimizer(*model, {options.weight_decay, options.clip_norm, options.ema_decay});
  const auto callback = at::addGlobalCallback(at::RecordFunctionCallback([](const at::RecordFunction& function) {
                                                CountProduct(function);
                                                return std::unique_ptr<at::ObserverContext>();
                                              }).needsInputs(true));
  Parts parts;
  for (int step = 0; step < kWarmUpSteps + kProfiledSteps && step < static_cast<int>(batches.size()); ++step) {
    if (step == kWarmUpSteps) {
      parts = Parts();
      products = 0;
    }
    parts.pairs += static_cast<double>(batches[step].size());
    StopWatch watch(device);
    std::vector<PairIndex> pairs;
    for (const int64_t pair : batches[step]) pairs.push_back(data.pairs[pair]);
    const PairBatch batch = data.entities.Cut(pairs);
    const torch::Tensor truth = data.z.index_select(0, torch::tensor(batches[step]).to(device));
    watch.AddTo(&parts.data);
    optimizer.ZeroGrad();
    watch.AddTo(&parts.optimizer);
    AffinityNetworkImpl::Encoded whole, cut;
    {
      const MixedPrecisionScope scope(device, half);
      whole = network->Encode(batch);
      cut = {Cut(whole.atoms), Cut(whole.tokens), Cut(whole.drugs), Cut(whole.targets)};
    }
    watch.AddTo(&parts.encoder);
    torch::Tensor scores;
    {
      const MixedPrecisionScope scope(device, half);
      scores = network->Score(batch, cut);
    }
    (ComputeLoss(options.loss, model->Expect(scores), truth) + DistributionLoss(scores, model->levels(), truth))
        .backward();
    watch.AddTo(&parts.fusion);
    torch::autograd::backward({whole.atoms, whole.tokens, whole.drugs, whole.targets},
                              {cut.atoms.grad(), cut.tokens.grad(), cut.drugs.grad(), cut.targets.grad()});
    watch.AddTo(&parts.encoder);
    optimizer.Step(options.lr);
    watch.AddTo(&parts.optimizer);
  }
  at::removeCallback(callback);
  parts.flops = products;
  return parts;
}

// Pairs a second of real steps, after a few to warm up.
absl::StatusOr<double> Rate(const TrainingPairs& data, const TrainingOptions& options, const torch::Device& device,
                            c10::optional<torch::Dtype> half, const std::vector<std::vector<int64_t>>& batches,
                            double seconds) {
  DBN_ASSIGN_OR_RETURN(const auto alone, Ranks::Connect(RankPlace(), device));
  BatchTrainer trainer(data, options, device, half, CountReplicas(device, options.batch_size), alone.get());
  Clock::time_point start;
  int64_t pairs = 0;
  double elapsed = 0;
  for (size_t step = 0; elapsed < seconds; ++step) {
    if (step == kWarmUpSteps) {
      start = Clock::now();
      pairs = 0;
    }
    const std::vector<int64_t>& chosen = batches[step % batches.size()];
    DBN_RETURN_IF_ERROR(trainer.Step(chosen, options.lr, step, /*look_at_gates=*/false).status());
    pairs += static_cast<int64_t>(chosen.size());
    if (step >= kWarmUpSteps) elapsed = SecondsSince(start);
  }
  return static_cast<double>(pairs) / elapsed;
}

absl::Status Measure(const ProcessedDataset& dataset, const std::string& preset, bool mixed_precision,
                     const torch::Device& device, double seconds, int batch_size) {
  DBN_ASSIGN_OR_RETURN(TrainingOptions options, TrainingPreset(preset));
  if (batch_size > 0) options.batch_size = batch_size;
  options.mixed_precision = mixed_precision;
  if (device.is_cuda()) options.half_type = HalfType::kBf16;
  options.model.protein_feature_dim = static_cast<int>(dataset.manifest.protein_feature_dim);
  DBN_ASSIGN_OR_RETURN(const auto half, ChooseHalf(options, device));
  const TrainingPairs data = PairsOfTrain(dataset, options.model.residues_per_token, device);
  const auto batches = EpochBatches(dataset.train.target, options.batch_size, options.seed, /*epoch=*/1);
  DBN_ASSIGN_OR_RETURN(const double rate, Rate(data, options, device, half, batches, seconds));
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Parts parts = Profile(data, options, device, half, batches);
  at::set_num_threads(threads);
  // Sharpness-aware minimisation takes two gradients a step.
  const double products_a_second = parts.flops / parts.pairs * rate * (options.sam_rho > 0 ? 2 : 1);
  const double sum = parts.data + parts.encoder + parts.fusion + parts.optimizer;
  std::cout << nlohmann::ordered_json{{"name", preset + (mixed_precision ? "_mixed" : "_fp32") + "_seconds_per_epoch"},
                                      {"value", static_cast<double>(dataset.train.size()) / rate},
                                      {"unit", "s"},
                                      {"pairs_per_second", rate},
                                      {"product_flops", products_a_second},
                                      {"product_flops_ceiling", Ceiling(device, half)},
                                      {"half_type", half ? c10::toString(*half) : "none"},
                                      {"device", device.str()},
                                      {"batch_size", options.batch_size},
                                      {"share_data", parts.data / sum},
                                      {"share_encoder", parts.encoder / sum},
                                      {"share_fusion", parts.fusion / sum},
                                      {"share_optimizer", parts.optimizer / sum}}
                   .dump()
            << std::endl;
  return absl::OkStatus();
}

absl::Status Run(const std::string& data_dir, const std::string& device_name, double seconds, int batch_size) {
  DBN_ASSIGN_OR_RETURN(const torch::Device device, ParseDevice(device_name));
  DBN_ASSIGN_OR_RETURN(const ProcessedDataset dataset, LoadProcessedDataset(data_dir, {Part::kTrain}));
  for (const char* const preset : {"small", "base"}) {
    for (const bool mixed_precision : {false, true}) {
      DBN_RETURN_IF_ERROR(Measure(dataset, preset, mixed_precision, device, seconds, batch_size));
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace deepbindnet

int main(int argc, char** argv) {
  double seconds = 20;
  int batch_size = 0;  // The preset's.
  const bool usable = argc >= 2 && argc <= 5 && (argc < 4 || (absl::SimpleAtod(argv[3], &seconds) && seconds > 0)) &&
                      (argc < 5 || (absl::SimpleAtoi(argv[4], &batch_size) && batch_size > 0));
  if (!usable) {
    std::cerr << "usage: deepbindnet_step_bench DATA_DIR [DEVICE [SECONDS [BATCH_SIZE]]]" << std::endl;
    return 2;
  }
  deepbindnet::SetComputeThreads(0);
  const absl::Status status = deepbindnet::CatchTorch(
      [&] { return deepbindnet::Run(argv[1], argc > 2 ? argv[2] : "auto", seconds, batch_size); });
  if (status.ok()) return 0;
  std::cerr << status << std::endl;
  return 1;
}
