// From nothing, or from a checkpoint, to a run that is ready for its next step.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/model/mixed_precision.h"
#include "core/model/predict_pairs.h"
#include "core/training/training_run.h"

namespace deepbindnet {
namespace {

// What the model can predict: the training affinities and a margin, up to kMostDeviations from their mean.
void SetLevels(const ProcessedDataset& dataset, ModelOptions* options) {
  constexpr double kMostDeviations = 10, kMargin = 0.5;
  const auto [lowest, highest] = std::minmax_element(dataset.train.affinity.begin(), dataset.train.affinity.end());
  options->lowest_level = std::max(dataset.scaler.Scale(*lowest), -kMostDeviations) - kMargin;
  options->highest_level = std::min(dataset.scaler.Scale(*highest), kMostDeviations) + kMargin;
}

}  // namespace

absl::Status TrainingRun::Connect() {
  observer_.OnPhase("loading");
  DBN_RETURN_IF_ERROR(ValidateTrainingOptions(options_));
  DBN_ASSIGN_OR_RETURN(device_, ParseDevice(options_.device));
  if (place_.world_size > 1 && device_.is_cuda() && !device_.has_index()) {
    DBN_ASSIGN_OR_RETURN(device_, ParseDevice(absl::StrCat("cuda:", place_.local_rank)));
  }
  DBN_ASSIGN_OR_RETURN(half_, ChooseHalf(options_, device_));
  if (options_.mixed_precision && !half_) {
    observer_.OnMessage(device_.is_cpu() ? "mixed_precision: this CPU has no bf16 products; training in fp32"
                                         : "mixed_precision: training in fp32: this GPU has no bf16 products, or "
                                           "they are no faster with so small a hidden_dim");
  }
  DBN_ASSIGN_OR_RETURN(ranks_, Ranks::Connect(place_, device_));
  if (ranks_->size() > 1) observer_.OnMessage(absl::StrCat("training with ", ranks_->size(), " processes"));
  return absl::OkStatus();
}

absl::Status TrainingRun::Load() {
  if (ranks_->writes()) {
    DBN_RETURN_IF_ERROR(MakeDirectories(files_.output_dir));
    RemoveUnfinishedFiles(files_.output_dir);
  }
  DBN_ASSIGN_OR_RETURN(dataset_, LoadProcessedDataset(data_dir_, {Part::kTrain, Part::kVal}));
  options_.model.protein_feature_dim = static_cast<int>(dataset_.manifest.protein_feature_dim);
  if (dataset_.train.size() == 0 || dataset_.val.size() == 0) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          data_dir_, ": the ", dataset_.train.size() == 0 ? "training" : "validation",
                          " part has no pairs; prepare the data set again with another val_size or split")),
                      "EMPTY_PART");
  }
  SetLevels(dataset_, &options_.model);
  for (const ProteinEntry& protein : dataset_.proteins) {
    DBN_RETURN_IF_ERROR(Annotate(CheckSequenceLength(protein.tokens.size(), options_.model), data_dir_));
  }
  return CheckSameData();
}

absl::Status TrainingRun::CheckSameData() {
  const std::string mine = absl::StrCat(dataset_.manifest.digest, " ", ModelOptionsToJson(options_.model), " ",
                                        TrainingOptionsToJson(options_));
  DBN_ASSIGN_OR_RETURN(const std::string first, ranks_->BroadcastText(mine));
  if (mine == first) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(absl::StrCat("rank ", ranks_->rank(),
                                                               ": its data set or options are not those of rank 0 (",
                                                               mine, " and ", first, "); give all ranks the same")),
                    "RANKS_DIFFER");
}

absl::Status TrainingRun::FitPrior() {
  if (!options_.model.similarity_prior) return absl::OkStatus();
  observer_.OnPhase("fitting the similarity prior");
  const auto begin = std::chrono::steady_clock::now();
  SimilarityPrior::Fitted fitted = SimilarityPrior::Fit(GraphsOf(dataset_), TokensOf(dataset_), PairsOf(dataset_.train),
                                                        ScaledOf(dataset_.train, dataset_.scaler),
                                                        dataset_.manifest.split.method, kMostWork, &stop_);
  prior_ = std::make_shared<const SimilarityPrior>(std::move(fitted.prior));
  held_out_prior_ = fitted.held_out.to(device_);
  elapsed_before_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  started_ = std::chrono::steady_clock::now();
  DBN_RETURN_IF_ERROR(Agree());
  return stopping_ ? absl::CancelledError("stopped while the similarity prior was fitted") : absl::OkStatus();
}

absl::Status TrainingRun::MakeTrainer(int replicas) {
  DBN_RETURN_IF_ERROR(FitPrior());
  trainer_ = std::make_unique<BatchTrainer>(
      TrainingPairs{EntityTable(GraphsOf(dataset_), TokensOf(dataset_), options_.model.residues_per_token,
                                FeaturesOf(dataset_), device_),
                    PairsOf(dataset_.train), torch::tensor(ScaledOf(dataset_.train, dataset_.scaler)).to(device_),
                    held_out_prior_},
      options_, device_, half_, replicas, ranks_.get());
  AffinityModel(trainer_->model())->set_prior(prior_);
  state_.replicas = replicas;
  state_.epoch.predicted = torch::zeros({dataset_.train.size()}, torch::TensorOptions(device_));
  return absl::OkStatus();
}

absl::Status TrainingRun::Start() {
  if (ranks_->writes()) DBN_RETURN_IF_ERROR(RemoveRun(files_));
  DBN_RETURN_IF_ERROR(MakeTrainer(CountReplicas(device_, options_.batch_size)));
  return trainer_->ShareWeights();
}

absl::StatusOr<std::string> TrainingRun::ReadLatest() {
  absl::StatusOr<std::string> contents = ranks_->writes() ? ReadFile(files_.Latest()) : "";
  if (absl::IsNotFound(contents.status())) contents = "";
  if (!contents.ok()) return contents.status();
  return ranks_->BroadcastText(*std::move(contents));
}

absl::Status TrainingRun::Resume() {
  DBN_ASSIGN_OR_RETURN(std::string contents, ReadLatest());
  if (contents.empty()) {
    observer_.OnMessage("no checkpoint was found; the training starts over");
    return Start();
  }
  DBN_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpoint(std::move(contents), files_.Latest()));
  if (checkpoint.dataset_digest != dataset_.manifest.digest) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          files_.Latest(), ": was trained on other data; resume with the same data set or train anew")),
                      "OTHER_DATASET");
  }
  DBN_RETURN_IF_ERROR(CheckResumable(checkpoint, options_));
  DBN_RETURN_IF_ERROR(Annotate(Restore(checkpoint), files_.Latest()));
  for (const EpochReport& report : state_.history) observer_.OnEpoch(report);
  const int64_t steps = state_.epoch.steps;
  observer_.OnMessage(absl::StrCat("resumed after epoch ", checkpoint.epoch,
                                   steps > 0 ? absl::StrCat(" and ", steps, " steps of the next") : ""));
  if (best_epoch_ != checkpoint.epoch || steps > 0 || !ranks_->writes()) return absl::OkStatus();
  // The run may have been killed after this checkpoint and before the best model, whose weights are the same.
  return SaveBest(std::move(checkpoint));
}

absl::Status TrainingRun::Restore(const Checkpoint& checkpoint) {
  DBN_ASSIGN_OR_RETURN(const RunState stored,
                       ReadRunState(checkpoint, MostReplicas(options_.batch_size), dataset_.train.size()));
  DBN_RETURN_IF_ERROR(MakeTrainer(device_.is_cpu() ? stored.replicas : 1));
  DBN_RETURN_IF_ERROR(trainer_->LoadState(checkpoint.training_state));
  const Optimizer::Part first = trainer_->part_of_member(0);
  if (stored.prior_member.best_epoch > 0 &&
      stored.prior_member.best_weights.sizes() != torch::IntArrayRef{first.end - first.begin}) {
    return absl::InvalidArgumentError("'prior_member_best_weights' is of another model");
  }
  const torch::Tensor predicted = state_.epoch.predicted;
  // What the ranks have predicted is summed up at the end: it is rank 0's from here on.
  if (stored.epoch.steps > 0 && ranks_->writes()) predicted.copy_(stored.epoch.predicted);
  const int replicas = state_.replicas;
  state_ = stored;
  state_.replicas = replicas;
  state_.epoch.predicted = predicted;
  elapsed_before_ = saved_at_ = state_.elapsed_seconds;
  for (const EpochReport& report : state_.history) {
    if (report.is_best) best_epoch_ = report.epoch;
  }
  return absl::OkStatus();
}

}  // namespace deepbindnet
