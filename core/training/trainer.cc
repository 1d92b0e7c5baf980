#include "core/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/file.h"
#include "core/compute/torch_util.h"
#include "core/data/processed_dataset.h"
#include "core/model/affinity_model.h"
#include "core/model/checkpoint.h"
#include "core/model/mixed_precision.h"
#include "core/model/predict_pairs.h"
#include "core/training/optimizer.h"
#include "core/training/replicas.h"
#include "core/training/run_files.h"
#include "core/training/run_state.h"
#include "core/training/sampler.h"
#include "core/training/schedule.h"

namespace deepbindnet {
namespace {

constexpr int kEpochsPerCheckpoint = 5;
// Gate values are kept of every so manieth step and of the last: an epoch that time cuts short has some too.
constexpr int64_t kStepsPerGateLook = 64;

double Seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// One run from its first (or resumed) epoch to its last.
class Run {
 public:
  Run(const std::string& data_dir, const std::string& output_dir, const TrainingOptions& options,
      const std::atomic<bool>& stop, TrainingObserver* observer)
      : data_dir_(data_dir), files_{output_dir}, options_(options), stop_(stop), observer_(*observer) {}

  absl::Status Load();
  absl::Status Start();
  absl::Status Resume();
  absl::Status TrainEpochs();
  absl::StatusOr<TrainingReport> Finish();

 private:
  void MakeReplicas(int count);
  // Why no further epoch is to be trained; empty while there is one.
  std::string StopReason() const;
  absl::Status TrainEpoch(int epoch);
  absl::Status Step(const std::vector<int64_t>& chosen, StepReport* step);
  double Progress(int64_t steps_per_epoch) const;
  double Elapsed() const { return elapsed_before_ + Seconds(std::chrono::steady_clock::now() - started_); }
  double EtaSeconds(const StepReport& step, double epoch_seconds) const;
  bool TimeIsUp() const { return options_.max_minutes > 0 && Elapsed() >= 60 * options_.max_minutes; }
  absl::Status EndEpoch(EpochReport report);
  absl::Status SaveEpoch(const EpochReport& report, const TensorDict& weights);
  absl::Status SaveBest(Checkpoint checkpoint);
  std::string LastGood() const;
  void SetGateStatistics(EpochReport* report) const;
  RegressionMetrics Validate();

  const std::string data_dir_;
  const RunFiles files_;
  const TrainingOptions options_;
  const std::atomic<bool>& stop_;
  TrainingObserver& observer_;

  // Constant after Load().
  ProcessedDataset dataset_;  // train and val
  torch::Device device_ = torch::kCPU;
  bool mixed_precision_ = false;

  // Made by Start() or Resume().
  std::unique_ptr<Replicas> replicas_;
  AffinityModel model_{nullptr};  // The first replica.
  std::unique_ptr<Optimizer> optimizer_;

  RunState state_;
  int best_epoch_ = 0;
  double elapsed_before_ = 0;  // Of earlier processes of this run.
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  // Of the epoch at work.
  double loss_sum_ = 0;
  std::vector<torch::Tensor> predicted_;  // Each [batch] float, z-scored, in the order trained.
  std::vector<int64_t> trained_;          // Pair of each prediction.
  std::vector<torch::Tensor> gates_;      // Of the newest batch looked at.
};

absl::Status Run::Load() {
  observer_.OnPhase("loading");
  DBN_RETURN_IF_ERROR(ValidateTrainingOptions(options_));
  DBN_ASSIGN_OR_RETURN(device_, ParseDevice(options_.device));
  DBN_RETURN_IF_ERROR(MakeDirectories(files_.output_dir));
  RemoveUnfinishedFiles(files_.output_dir);
  DBN_ASSIGN_OR_RETURN(dataset_, LoadProcessedDataset(data_dir_, {Part::kTrain, Part::kVal}));
  if (dataset_.train.size() == 0 || dataset_.val.size() == 0) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          data_dir_, ": the ", dataset_.train.size() == 0 ? "training" : "validation",
                          " part has no pairs; prepare the data set again with another val_size or split")),
                      "EMPTY_PART");
  }
  mixed_precision_ = options_.mixed_precision && SupportsBf16(device_);
  if (options_.mixed_precision && !mixed_precision_) {
    observer_.OnMessage("mixed_precision: this device has no bf16 products; training in fp32");
  }
  for (const ProteinEntry& protein : dataset_.proteins) {
    DBN_RETURN_IF_ERROR(Annotate(CheckSequenceLength(protein.tokens.size(), options_.model), data_dir_));
  }
  return absl::OkStatus();
}

void Run::MakeReplicas(int count) {
  std::vector<float> z;
  for (const double affinity : dataset_.train.affinity)
    z.push_back(static_cast<float>(dataset_.scaler.Scale(affinity)));
  replicas_ = std::make_unique<Replicas>(
      TrainingPairs{GraphsOf(dataset_), TokensOf(dataset_), PairsOf(dataset_.train), torch::tensor(z).to(device_)},
      options_, device_, mixed_precision_, count);
  model_ = replicas_->model();
  optimizer_ = std::make_unique<Optimizer>(
      replicas_->modules(), OptimizerOptions{options_.weight_decay, options_.clip_norm, options_.ema_decay});
}

absl::Status Run::Start() {
  state_.replicas = CountReplicas(device_, options_.batch_size);
  MakeReplicas(state_.replicas);
  return RemoveRun(files_);
}

absl::Status Run::Resume() {
  absl::StatusOr<Checkpoint> checkpoint = LoadCheckpoint(files_.Latest());
  if (absl::IsNotFound(checkpoint.status())) {
    observer_.OnMessage("no checkpoint was found; the training starts over");
    return Start();
  }
  if (!checkpoint.ok()) return checkpoint.status();
  if (checkpoint->dataset_digest != dataset_.manifest.digest) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          files_.Latest(), ": was trained on other data; resume with the same data set or train anew")),
                      "OTHER_DATASET");
  }
  DBN_RETURN_IF_ERROR(CheckResumable(*checkpoint, options_));
  absl::StatusOr<RunState> state = ReadRunState(*checkpoint, MostReplicas(options_.batch_size));
  if (!state.ok()) return Annotate(state.status(), files_.Latest());
  state_ = *std::move(state);
  if (!device_.is_cpu()) state_.replicas = 1;
  MakeReplicas(state_.replicas);
  DBN_RETURN_IF_ERROR(Annotate(optimizer_->LoadState(checkpoint->training_state), files_.Latest()));
  for (const EpochReport& report : state_.history) {
    if (report.is_best) best_epoch_ = report.epoch;
    elapsed_before_ = report.elapsed_seconds;
    observer_.OnEpoch(report);
  }
  observer_.OnMessage(absl::StrCat("resumed after epoch ", checkpoint->epoch));
  if (best_epoch_ != checkpoint->epoch) return absl::OkStatus();
  // The run may have been killed after this checkpoint and before the best model, whose weights are the same.
  return SaveBest(*std::move(checkpoint));
}

std::string Run::StopReason() const {
  const int epoch = static_cast<int>(state_.history.size());
  if (epoch >= options_.num_epochs) return "num_epochs";
  if (TimeIsUp() && epoch > 0) return "max_minutes";
  if (options_.patience > 0 && epoch - best_epoch_ >= options_.patience) return "patience";
  return "";
}

absl::Status Run::TrainEpochs() {
  observer_.OnPhase("training");
  started_ = std::chrono::steady_clock::now();
  while (StopReason().empty()) DBN_RETURN_IF_ERROR(TrainEpoch(static_cast<int>(state_.history.size()) + 1));
  return absl::OkStatus();
}

double Run::Progress(int64_t steps_per_epoch) const {
  const double steps = static_cast<double>(steps_per_epoch) * options_.num_epochs;
  const double by_steps = static_cast<double>(optimizer_->steps()) / steps;
  return options_.max_minutes > 0 ? std::max(by_steps, Elapsed() / (60 * options_.max_minutes)) : by_steps;
}

double Run::EtaSeconds(const StepReport& step, double epoch_seconds) const {
  const double per_epoch = epoch_seconds / static_cast<double>(step.step) * static_cast<double>(step.steps);
  const double left = per_epoch * (options_.num_epochs - step.epoch + 1) - epoch_seconds;
  return options_.max_minutes > 0 ? std::min(left, std::max(0.0, 60 * options_.max_minutes - Elapsed())) : left;
}

absl::Status Run::TrainEpoch(int epoch) {
  // The seed of an epoch does not depend on the epochs before it, so that a resumed run draws the same numbers.
  replicas_->Seed(options_.seed * 7919 + static_cast<uint64_t>(epoch));
  const auto batches = EpochBatches(dataset_.train.target, options_.batch_size, options_.seed, epoch);
  const auto epoch_start = std::chrono::steady_clock::now();
  loss_sum_ = 0;
  predicted_.clear();
  trained_.clear();
  StepReport step;
  step.epoch = epoch;
  step.steps = static_cast<int64_t>(batches.size());
  step.epoch_pairs = dataset_.train.size();
  for (const std::vector<int64_t>& chosen : batches) {
    if (stop_) return absl::CancelledError(absl::StrCat("stopped in epoch ", epoch, " after step ", step.step));
    ++step.step;
    DBN_RETURN_IF_ERROR(Step(chosen, &step));
    const double seconds = Seconds(std::chrono::steady_clock::now() - epoch_start);
    step.pairs = static_cast<int64_t>(trained_.size());
    step.pairs_per_second = static_cast<double>(step.pairs) / seconds;
    step.eta_seconds = EtaSeconds(step, seconds);
    observer_.OnStep(step);
    if (TimeIsUp()) break;
  }
  const double seconds = Seconds(std::chrono::steady_clock::now() - epoch_start);
  state_.train_seconds += seconds;
  EpochReport report;
  report.epoch = epoch;
  report.epochs = options_.num_epochs;
  report.train_loss = loss_sum_ / static_cast<double>(step.step);
  report.learning_rate = step.learning_rate;
  report.pairs_per_second = static_cast<double>(trained_.size()) / seconds;
  return EndEpoch(report);
}

absl::Status Run::Step(const std::vector<int64_t>& chosen, StepReport* step) {
  const bool look_at_gates = step->step % kStepsPerGateLook == 1 || step->step == step->steps;
  optimizer_->ZeroGrad();
  BatchResult batch = replicas_->Backward(chosen, optimizer_->steps(), look_at_gates);
  if (look_at_gates) gates_ = std::move(batch.gates);
  step->learning_rate = options_.lr * WarmupCosine(Progress(step->steps), options_.warmup_fraction);
  const double norm = optimizer_->Step(step->learning_rate);
  if (!std::isfinite(batch.loss) || !std::isfinite(norm)) {
    return WithReason(absl::InternalError(absl::StrFormat(
                          "epoch %d, step %d of %d: the loss is %g and its gradient's norm %g; lower "
                          "lr (%g) or switch mixed_precision off. %s",
                          step->epoch, step->step, step->steps, batch.loss, norm, options_.lr, LastGood())),
                      "LOSS_NOT_FINITE");
  }
  loss_sum_ += batch.loss;
  step->loss = loss_sum_ / static_cast<double>(step->step);
  predicted_.push_back(batch.predicted);
  trained_.insert(trained_.end(), chosen.begin(), chosen.end());
  return absl::OkStatus();
}

std::string Run::LastGood() const {
  return state_.history.empty() ? "No epoch was finished"
                                : absl::StrCat("The last good checkpoint is ", files_.Latest());
}

RegressionMetrics Run::Validate() {
  return ComputeMetrics(dataset_.val.affinity,
                        PredictAffinities(model_, device_, dataset_, dataset_.val, dataset_.scaler));
}

void Run::SetGateStatistics(EpochReport* report) const {
  if (gates_.empty()) return;
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& gate : gates_) flat.push_back(gate.to(torch::kCPU, torch::kFloat32).reshape({-1}));
  const torch::Tensor all = torch::cat(flat);
  report->gate_mean = all.mean().item<double>();
  report->gate_sd = all.std(/*unbiased=*/false).item<double>();
}

absl::Status Run::EndEpoch(EpochReport report) {
  const torch::Tensor z = torch::cat(predicted_).to(torch::kCPU, torch::kFloat64);
  std::vector<double> truth, predicted;
  for (size_t i = 0; i < trained_.size(); ++i) {
    truth.push_back(dataset_.train.affinity[trained_[i]]);
    predicted.push_back(dataset_.scaler.Unscale(z.data_ptr<double>()[i]));
  }
  report.train = ComputeErrors(truth, predicted);
  SetGateStatistics(&report);
  model_->eval();
  TensorDict weights = MakeTensorDict();
  {
    const Optimizer::AveragedWeights averaged(optimizer_.get());
    report.val = Validate();
    weights = CopyWeights(*model_);
  }
  const double best =
      best_epoch_ > 0 ? state_.history[best_epoch_ - 1].val.rmse : std::numeric_limits<double>::infinity();
  if (!std::isfinite(report.val.rmse)) {
    return WithReason(absl::InternalError(absl::StrFormat(
                          "epoch %d: the validation RMSE is %g; lower lr (%g) or look for extreme affinities. %s",
                          report.epoch, report.val.rmse, options_.lr, LastGood())),
                      "LOSS_NOT_FINITE");
  }
  report.is_best = report.val.rmse < best;
  if (report.is_best) best_epoch_ = report.epoch;
  report.elapsed_seconds = Elapsed();
  state_.history.push_back(report);
  DBN_RETURN_IF_ERROR(SaveEpoch(report, weights));
  observer_.OnEpoch(report);
  return absl::OkStatus();
}

// The order matters after a crash: an epoch that has its checkpoint is never trained again, Resume() writes the best
// model from it where that is missing, and nobody hears of an epoch before both stand.
absl::Status Run::SaveEpoch(const EpochReport& report, const TensorDict& weights) {
  Checkpoint checkpoint;
  checkpoint.options = options_.model;
  checkpoint.scaler = dataset_.scaler;
  checkpoint.affinity_unit = dataset_.manifest.affinity_unit;
  checkpoint.dataset_digest = dataset_.manifest.digest;
  checkpoint.epoch = report.epoch;
  checkpoint.training = TrainingOptionsToJson(options_);
  checkpoint.weights = weights;
  checkpoint.training_state = optimizer_->State();
  AddRunState(state_, &checkpoint.training_state);
  if (report.epoch % kEpochsPerCheckpoint == 0) {
    DBN_RETURN_IF_ERROR(SaveCheckpoint(files_.Epoch(report.epoch), checkpoint));
  }
  DBN_RETURN_IF_ERROR(WriteMetricsCsv(files_.MetricsCsv(), state_.history));
  DBN_RETURN_IF_ERROR(SaveCheckpoint(files_.Latest(), checkpoint));
  return report.is_best ? SaveBest(std::move(checkpoint)) : absl::OkStatus();
}

absl::Status Run::SaveBest(Checkpoint checkpoint) {
  checkpoint.training_state = MakeTensorDict();
  return SaveCheckpoint(files_.Best(), checkpoint);
}

absl::StatusOr<TrainingReport> Run::Finish() {
  if (stop_) return absl::CancelledError(absl::StrCat("stopped after epoch ", state_.history.size()));
  observer_.OnPhase("evaluating");
  TrainingReport report;
  report.stop_reason = StopReason();
  report.best_epoch = best_epoch_;
  report.epochs_run = static_cast<int>(state_.history.size());
  report.training_seconds = state_.history.back().elapsed_seconds;
  double pairs = 0;
  for (const EpochReport& epoch : state_.history) pairs += static_cast<double>(epoch.train.pairs);
  report.pairs_per_second = pairs / state_.train_seconds;
  report.val = state_.history[best_epoch_ - 1].val;
  report.parameters = CountParameters(*model_);
  DBN_ASSIGN_OR_RETURN(const LoadedModel best, LoadModel(files_.Best(), device_));
  report.digest = best.digest;
  DBN_ASSIGN_OR_RETURN(const ProcessedDataset data, LoadProcessedDataset(data_dir_, {Part::kTest}));
  if (data.manifest.digest != dataset_.manifest.digest) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          data_dir_, ": holds another data set than the one trained on; put that back and resume")),
                      "OTHER_DATASET");
  }
  if (data.test.size() > 0) {
    report.test = ComputeMetrics(data.test.affinity,
                                 PredictAffinities(best.model, device_, data, data.test, best.checkpoint.scaler));
  }
  DBN_RETURN_IF_ERROR(WriteResult(files_.Result(), report));
  return report;
}

}  // namespace

absl::StatusOr<TrainingReport> Train(const std::string& data_dir, const std::string& output_dir,
                                     const TrainingOptions& options, bool resume, const std::atomic<bool>& stop,
                                     TrainingObserver* observer) {
  return CatchTorch([&]() -> absl::StatusOr<TrainingReport> {
    Run run(data_dir, output_dir, options, stop, observer);
    DBN_RETURN_IF_ERROR(run.Load());
    DBN_RETURN_IF_ERROR(resume ? run.Resume() : run.Start());
    DBN_RETURN_IF_ERROR(run.TrainEpochs());
    return run.Finish();
  });
}

}  // namespace deepbindnet
