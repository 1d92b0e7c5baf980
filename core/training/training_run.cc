// Steps, epochs and their checkpoints, up to the end.
#include "core/training/training_run.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/compute/torch_util.h"
#include "core/model/affinity_model.h"
#include "core/model/predict_pairs.h"
#include "core/training/sampler.h"
#include "core/training/schedule.h"

namespace deepbindnet {
namespace {

constexpr int kEpochsPerCheckpoint = 5;
// Training time after which an epoch that is not finished is saved, too.
constexpr double kSecondsPerCheckpoint = 600;
// Gate values are kept of every so manieth step and of the last: an epoch that time cuts short has some too.
constexpr int64_t kStepsPerGateLook = 64;
constexpr size_t kRowsInMessages = 5;

double Seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

absl::Status TrainingRun::Agree() {
  const double now = elapsed_before_ + Seconds(std::chrono::steady_clock::now() - started_);
  const torch::Tensor sums = torch::tensor({stop_ ? 1.0 : 0.0, ranks_->writes() ? now : 0.0}, torch::kFloat64);
  DBN_RETURN_IF_ERROR(ranks_->Sum(sums));
  stopping_ = sums[0].item<double>() > 0;
  state_.elapsed_seconds = sums[1].item<double>();
  return absl::OkStatus();
}

std::string TrainingRun::StopReason() const {
  const int epoch = static_cast<int>(state_.history.size());
  if (epoch >= options_.num_epochs) return "num_epochs";
  if (TimeIsUp() && epoch > 0) return "max_minutes";
  if (options_.patience > 0 && epoch - best_epoch_ >= options_.patience) return "patience";
  return "";
}

absl::Status TrainingRun::TrainEpochs() {
  observer_.OnPhase("training");
  if (ranks_->writes()) log_.Start(options_, state_.history, trainer_->optimizer()->steps());
  started_ = std::chrono::steady_clock::now();
  while (StopReason().empty()) DBN_RETURN_IF_ERROR(TrainEpoch(static_cast<int>(state_.history.size()) + 1));
  return absl::OkStatus();
}

int64_t TrainingRun::StepPairs() const {
  return int64_t{options_.batch_size} * options_.gradient_accumulation * ranks_->size();
}

double TrainingRun::Progress(int64_t steps_per_epoch) const {
  const double steps = static_cast<double>(steps_per_epoch) * options_.num_epochs;
  const double by_steps = static_cast<double>(trainer_->optimizer()->steps()) / steps;
  return options_.max_minutes > 0 ? std::max(by_steps, state_.elapsed_seconds / (60 * options_.max_minutes)) : by_steps;
}

double TrainingRun::EtaSeconds(const StepReport& step) const {
  const double seconds = state_.epoch.seconds;
  const double per_epoch = seconds / static_cast<double>(step.step) * static_cast<double>(step.steps);
  const double left = per_epoch * (options_.num_epochs - step.epoch + 1) - seconds;
  return options_.max_minutes > 0 ? std::min(left, std::max(0.0, 60 * options_.max_minutes - state_.elapsed_seconds))
                                  : left;
}

absl::Status TrainingRun::TrainEpoch(int epoch) {
  const auto batches = EpochBatches(dataset_.train.target, StepPairs(), options_.seed, epoch);
  StepReport step;
  step.epoch = epoch;
  step.steps = static_cast<int64_t>(batches.size());
  step.epoch_pairs = dataset_.train.size();
  std::vector<int64_t> trained;
  for (const std::vector<int64_t>& chosen : batches) {
    trained.insert(trained.end(), chosen.begin(), chosen.end());
    if (++step.step <= state_.epoch.steps) continue;  // Taken before the run was resumed.
    const auto began = std::chrono::steady_clock::now();
    DBN_RETURN_IF_ERROR(Agree());
    if (stopping_) {
      DBN_RETURN_IF_ERROR(SaveStep());
      return absl::CancelledError(absl::StrCat("stopped in epoch ", epoch, " after step ", state_.epoch.steps));
    }
    if (state_.elapsed_seconds - saved_at_ >= kSecondsPerCheckpoint) DBN_RETURN_IF_ERROR(SaveStep());
    DBN_RETURN_IF_ERROR(Step(chosen, &step));
    state_.epoch.seconds += Seconds(std::chrono::steady_clock::now() - began);
    step.pairs = static_cast<int64_t>(trained.size());
    step.pairs_per_second = static_cast<double>(step.pairs) / state_.epoch.seconds;
    step.eta_seconds = EtaSeconds(step);
    log_.Step(step);
    observer_.OnStep(step);
    if (TimeIsUp()) break;
  }
  EpochReport report;
  report.epoch = epoch;
  report.epochs = options_.num_epochs;
  report.train_loss = state_.epoch.loss_sum / static_cast<double>(step.step);
  report.learning_rate = step.learning_rate;
  report.pairs_per_second = static_cast<double>(trained.size()) / state_.epoch.seconds;
  return EndEpoch(trained, report, Progress(step.steps));
}

absl::Status TrainingRun::Step(const std::vector<int64_t>& chosen, StepReport* step) {
  const bool look_at_gates = step->step % kStepsPerGateLook == 1 || step->step == step->steps || gates_.empty();
  const double progress = Progress(step->steps);
  const auto rate = [&](double at) { return options_.lr * WarmupCosine(at, options_.warmup_fraction); };
  std::vector<double> lr(options_.model.members, rate(progress));
  if (HasPriorMember()) lr[0] = state_.prior_member.rests ? 0 : rate(progress / kPriorPart);
  step->learning_rate = lr.back();
  // The seed of a step does not depend on the steps before it, so that a resumed run draws the same numbers.
  const uint64_t seed = (options_.seed * 7919 + static_cast<uint64_t>(step->epoch)) * 1000003 + step->step;
  DBN_ASSIGN_OR_RETURN(StepOutcome outcome, trainer_->Step(chosen, lr, seed, look_at_gates));
  if (!outcome.notice.empty()) observer_.OnMessage(outcome.notice);
  if (!outcome.finite) return NotFinite(chosen, *step, outcome);
  if (look_at_gates) gates_ = std::move(outcome.gates);
  state_.epoch.predicted.index_copy_(0, torch::tensor(outcome.pairs, torch::kInt64).to(device_),
                                     outcome.predicted.to(device_));
  step->run_step = trainer_->optimizer()->steps();
  step->batch_loss = outcome.loss;
  state_.epoch.loss_sum += outcome.loss;
  state_.epoch.steps = step->step;
  step->loss = state_.epoch.loss_sum / static_cast<double>(step->step);
  return absl::OkStatus();
}

absl::Status TrainingRun::NotFinite(const std::vector<int64_t>& chosen, const StepReport& step,
                                    const StepOutcome& outcome) const {
  std::vector<int64_t> rows;  // Of this rank's pairs without a finite error, else of the batch's first pairs.
  const torch::Tensor predicted = outcome.predicted.to(torch::kCPU, torch::kFloat32);
  for (size_t i = 0; i < outcome.pairs.size(); ++i) {
    const auto z = static_cast<float>(dataset_.scaler.Scale(dataset_.train.affinity[outcome.pairs[i]]));
    if (!std::isfinite(predicted.data_ptr<float>()[i] - z)) rows.push_back(dataset_.train.row[outcome.pairs[i]]);
  }
  const size_t without = rows.size();
  for (size_t i = 0; without == 0 && i < chosen.size(); ++i) rows.push_back(dataset_.train.row[chosen[i]]);
  if (rows.size() > kRowsInMessages) rows.resize(kRowsInMessages);
  return WithReason(absl::InternalError(absl::StrFormat(
                        "epoch %d, step %d of %d: the loss is %g and its gradient's norm %g; of the batch's %d pairs "
                        "%d have no finite error (data row %s%s); lower lr (%g) or switch mixed_precision off. %s",
                        step.epoch, step.step, step.steps, outcome.loss, outcome.gradient_norm, chosen.size(), without,
                        absl::StrJoin(rows, ", "), without == rows.size() ? "" : ", ...", options_.lr, LastGood())),
                    "LOSS_NOT_FINITE");
}

std::string TrainingRun::LastGood() const {
  return state_.history.empty() ? "No epoch was finished"
                                : absl::StrCat("The last good checkpoint is ", files_.Latest());
}

// Each rank predicts a share of the part.
absl::StatusOr<torch::Tensor> TrainingRun::PredictValidation() {
  const int64_t pairs = dataset_.val.size(), share = (pairs + ranks_->size() - 1) / ranks_->size();
  const int64_t begin = std::min(pairs, ranks_->rank() * share), end = std::min(pairs, begin + share);
  const Optimizer::AveragedWeights averaged(trainer_->optimizer());
  const torch::Tensor all = torch::zeros({options_.model.members, pairs});
  all.slice(1, begin, end).copy_(PredictMembers(trainer_->model(), device_, dataset_, dataset_.val.Slice(begin, end)));
  DBN_RETURN_IF_ERROR(ranks_->Sum(all));
  return all;
}

absl::StatusOr<RegressionMetrics> TrainingRun::Validate(int epoch, double progress) {
  const torch::Tensor truth = torch::tensor(ScaledOf(dataset_.val, dataset_.scaler));
  DBN_ASSIGN_OR_RETURN(torch::Tensor predicted, PredictValidation());
  if (PriorMember& member = state_.prior_member; HasPriorMember()) {
    const Optimizer::Part part = trainer_->part_of_member(0);
    const double mse = (predicted[0] - truth).square().mean().item<double>();
    if (!member.rests && mse < member.lowest_mse) {
      const Optimizer::AveragedWeights averaged(trainer_->optimizer());
      member = {mse, epoch, trainer_->optimizer()->weights().slice(0, part.begin, part.end).clone(), false};
    }
    if (!member.rests && member.best_epoch > 0 && IsToRest(member, epoch, progress)) {
      member.rests = true;
      trainer_->optimizer()->Set(part, member.best_weights);
      DBN_ASSIGN_OR_RETURN(predicted, PredictValidation());
    }
    trainer_->optimizer()->Set(trainer_->part_of_shares(), FitShares(predicted, truth));
  }
  return ComputeMetrics(dataset_.val.affinity, CombineAffinities(trainer_->model(), predicted, dataset_.scaler));
}

void TrainingRun::SetGateStatistics(EpochReport* report) const {
  if (gates_.empty()) return;
  std::vector<torch::Tensor> flat;
  for (const torch::Tensor& gate : gates_) flat.push_back(gate.to(torch::kCPU, torch::kFloat32).reshape({-1}));
  const torch::Tensor all = torch::cat(flat);
  report->gate_mean = all.mean().item<double>();
  report->gate_sd = all.std(/*unbiased=*/false).item<double>();
}

absl::Status TrainingRun::EndEpoch(const std::vector<int64_t>& trained, EpochReport report, double progress) {
  DBN_RETURN_IF_ERROR(ranks_->Sum(state_.epoch.predicted));
  const torch::Tensor z = state_.epoch.predicted.to(torch::kCPU, torch::kFloat64);
  std::vector<double> truth, predicted;
  for (const int64_t pair : trained) {
    truth.push_back(dataset_.train.affinity[pair]);
    predicted.push_back(dataset_.scaler.Unscale(z.data_ptr<double>()[pair]));
  }
  report.train = ComputeErrors(truth, predicted);
  SetGateStatistics(&report);
  AffinityModel(trainer_->model())->eval();
  DBN_ASSIGN_OR_RETURN(report.val, Validate(report.epoch, progress));
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
  DBN_RETURN_IF_ERROR(Agree());
  report.elapsed_seconds = state_.elapsed_seconds;
  state_.history.push_back(report);
  state_.train_seconds += state_.epoch.seconds;
  state_.epoch = EpochProgress{0, 0.0, 0.0, state_.epoch.predicted.zero_()};
  if (ranks_->writes()) DBN_RETURN_IF_ERROR(SaveEpoch(report));
  saved_at_ = state_.elapsed_seconds;
  log_.Epoch(report, gates_);
  observer_.OnEpoch(report);
  return absl::OkStatus();
}

Checkpoint TrainingRun::MakeCheckpoint() {
  Checkpoint checkpoint;
  checkpoint.options = options_.model;
  checkpoint.scaler = dataset_.scaler;
  checkpoint.affinity_unit = dataset_.manifest.affinity_unit;
  checkpoint.affinity_direction = dataset_.manifest.affinity_direction;
  checkpoint.protein_vectors = VectorsOf(dataset_);
  checkpoint.dataset_digest = dataset_.manifest.digest;
  checkpoint.epoch = static_cast<int>(state_.history.size());
  checkpoint.training = TrainingOptionsToJson(options_);
  checkpoint.prior = prior_;
  {
    const Optimizer::AveragedWeights averaged(trainer_->optimizer());
    checkpoint.weights = CopyWeights(*trainer_->model());
  }
  checkpoint.training_state = trainer_->State();
  AddRunState(state_, &checkpoint.training_state);
  return checkpoint;
}

// Between two steps of an epoch. The checkpoint holds the predictions of all ranks.
absl::Status TrainingRun::SaveStep() {
  saved_at_ = state_.elapsed_seconds;
  if (state_.epoch.steps == 0) return absl::OkStatus();  // The epoch before is saved.
  DBN_RETURN_IF_ERROR(ranks_->Sum(state_.epoch.predicted));
  if (!ranks_->writes()) {
    state_.epoch.predicted.zero_();
    return absl::OkStatus();
  }
  return SaveCheckpoint(files_.Latest(), MakeCheckpoint());
}

// The order matters after a crash: an epoch that has its checkpoint is never trained again, Resume() writes the best
// model from it where that is missing, and nobody hears of an epoch before both stand.
absl::Status TrainingRun::SaveEpoch(const EpochReport& report) {
  Checkpoint checkpoint = MakeCheckpoint();
  if (report.epoch % kEpochsPerCheckpoint == 0) {
    DBN_RETURN_IF_ERROR(SaveCheckpoint(files_.Epoch(report.epoch), checkpoint));
    DBN_RETURN_IF_ERROR(RemoveOldCheckpoints(files_, options_.keep_checkpoints));
  }
  DBN_RETURN_IF_ERROR(WriteMetricsCsv(files_.MetricsCsv(), state_.history));
  DBN_RETURN_IF_ERROR(SaveCheckpoint(files_.Latest(), checkpoint));
  return report.is_best ? SaveBest(std::move(checkpoint)) : absl::OkStatus();
}

absl::Status TrainingRun::SaveBest(Checkpoint checkpoint) {
  checkpoint.training_state = MakeTensorDict();
  return SaveCheckpoint(files_.Best(), checkpoint);
}

absl::StatusOr<RegressionMetrics> TrainingRun::EvaluateTest(const LoadedModel& best) const {
  DBN_ASSIGN_OR_RETURN(const ProcessedDataset data, LoadProcessedDataset(data_dir_, {Part::kTest}));
  if (data.manifest.digest != dataset_.manifest.digest) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          data_dir_, ": holds another data set than the one trained on; put that back and resume")),
                      "OTHER_DATASET");
  }
  if (data.test.size() == 0) return RegressionMetrics();
  return ComputeMetrics(data.test.affinity,
                        PredictAffinities(best.model, device_, data, data.test, best.checkpoint.scaler));
}

absl::StatusOr<TrainingReport> TrainingRun::Finish() {
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
  report.parameters = CountParameters(*trainer_->model());
  if (!ranks_->writes()) return report;
  DBN_ASSIGN_OR_RETURN(const LoadedModel best, LoadModel(files_.Best(), device_));
  report.digest = best.digest;
  if (options_.evaluate_test) {
    DBN_ASSIGN_OR_RETURN(report.test, EvaluateTest(best));
  }
  DBN_RETURN_IF_ERROR(WriteResult(files_.Result(), report));
  log_.Finish(report);
  return report;
}

}  // namespace deepbindnet
