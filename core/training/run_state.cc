#include "core/training/run_state.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/training/run_files.h"

namespace deepbindnet {
namespace {

absl::Status CheckHistory(const std::vector<EpochReport>& history, int epochs) {
  if (static_cast<int>(history.size()) != epochs) {
    return absl::InvalidArgumentError(absl::StrCat("history of ", history.size(), " epochs after epoch ", epochs));
  }
  double lowest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < history.size(); ++i) {
    const EpochReport& report = history[i];
    const bool is_best = report.val.rmse < lowest;
    if (report.epoch != static_cast<int>(i) + 1 || !std::isfinite(report.val.rmse) || report.is_best != is_best ||
        !std::isfinite(report.elapsed_seconds)) {
      return absl::InvalidArgumentError(absl::StrCat("history: entry ", i + 1, " is damaged"));
    }
    if (is_best) lowest = report.val.rmse;
  }
  return absl::OkStatus();
}

// A number of at least 0.
absl::StatusOr<double> GetAmount(const TensorDict& entries, const std::string& key) {
  DBN_ASSIGN_OR_RETURN(const double amount, GetNumber(entries, key));
  if (std::isfinite(amount) && amount >= 0) return amount;
  return absl::InvalidArgumentError(absl::StrCat("no number '", key, "' of 0 or more"));
}

absl::StatusOr<EpochProgress> ReadEpoch(const TensorDict& entries, int64_t training_pairs) {
  EpochProgress epoch;
  DBN_ASSIGN_OR_RETURN(epoch.steps, GetInteger(entries, "epoch_steps", 0, training_pairs));
  if (epoch.steps == 0) return epoch;
  DBN_ASSIGN_OR_RETURN(epoch.loss_sum, GetNumber(entries, "epoch_loss_sum"));
  DBN_ASSIGN_OR_RETURN(epoch.seconds, GetAmount(entries, "epoch_seconds"));
  DBN_ASSIGN_OR_RETURN(epoch.predicted, GetTensor(entries, "epoch_predicted"));
  if (epoch.predicted.scalar_type() != torch::kFloat32 ||
      epoch.predicted.sizes() != torch::IntArrayRef{training_pairs}) {
    return absl::InvalidArgumentError("'epoch_predicted' is damaged or of other data");
  }
  return epoch;
}

absl::StatusOr<PriorMember> ReadPriorMember(const TensorDict& entries, int epochs) {
  PriorMember member;
  DBN_ASSIGN_OR_RETURN(const int64_t best_epoch, GetInteger(entries, "prior_member_best_epoch", 0, epochs));
  if (best_epoch == 0) return member;
  member.best_epoch = static_cast<int>(best_epoch);
  DBN_ASSIGN_OR_RETURN(const int64_t rests, GetInteger(entries, "prior_member_rests", 0, 1));
  member.rests = rests == 1;
  DBN_ASSIGN_OR_RETURN(member.lowest_mse, GetAmount(entries, "prior_member_lowest_mse"));
  DBN_ASSIGN_OR_RETURN(member.best_weights, GetTensor(entries, "prior_member_best_weights"));
  if (member.best_weights.scalar_type() == torch::kFloat32 && torch::isfinite(member.best_weights).all().item<bool>()) {
    return member;
  }
  return absl::InvalidArgumentError("'prior_member_best_weights' is damaged");
}

}  // namespace

void AddRunState(const RunState& state, TensorDict* training_state) {
  training_state->insert("history", HistoryToJson(state.history));
  training_state->insert("train_seconds", MakeNumber(state.train_seconds));
  training_state->insert("elapsed_seconds", MakeNumber(state.elapsed_seconds));
  training_state->insert("replicas", static_cast<int64_t>(state.replicas));
  const PriorMember& member = state.prior_member;
  training_state->insert("prior_member_best_epoch", static_cast<int64_t>(member.best_epoch));
  if (member.best_epoch > 0) {
    training_state->insert("prior_member_rests", static_cast<int64_t>(member.rests));
    training_state->insert("prior_member_lowest_mse", MakeNumber(member.lowest_mse));
    training_state->insert("prior_member_best_weights", member.best_weights.to(torch::kCPU));
  }
  training_state->insert("epoch_steps", state.epoch.steps);
  if (state.epoch.steps == 0) return;
  training_state->insert("epoch_loss_sum", MakeNumber(state.epoch.loss_sum));
  training_state->insert("epoch_seconds", MakeNumber(state.epoch.seconds));
  training_state->insert("epoch_predicted", state.epoch.predicted.to(torch::kCPU));
}

absl::StatusOr<RunState> ReadRunState(const Checkpoint& checkpoint, int most_replicas, int64_t training_pairs) {
  const TensorDict& entries = checkpoint.training_state;
  RunState state;
  DBN_ASSIGN_OR_RETURN(const std::string history, GetString(entries, "history"));
  DBN_ASSIGN_OR_RETURN(state.history, HistoryFromJson(history));
  DBN_RETURN_IF_ERROR(CheckHistory(state.history, checkpoint.epoch));
  DBN_ASSIGN_OR_RETURN(state.train_seconds, GetAmount(entries, "train_seconds"));
  DBN_ASSIGN_OR_RETURN(state.elapsed_seconds, GetAmount(entries, "elapsed_seconds"));
  DBN_ASSIGN_OR_RETURN(const int64_t replicas, GetInteger(entries, "replicas", 1, most_replicas));
  state.replicas = static_cast<int>(replicas);
  DBN_ASSIGN_OR_RETURN(state.prior_member, ReadPriorMember(entries, checkpoint.epoch));
  DBN_ASSIGN_OR_RETURN(state.epoch, ReadEpoch(entries, training_pairs));
  if (state.history.empty() && state.epoch.steps == 0) {
    return absl::InvalidArgumentError("neither an epoch nor a step is finished");
  }
  return state;
}

}  // namespace deepbindnet
