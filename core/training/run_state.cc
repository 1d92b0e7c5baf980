#include "core/training/run_state.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/training/run_files.h"

namespace deepbindnet {
namespace {

absl::Status CheckHistory(const std::vector<EpochReport>& history, int epochs) {
  if (history.empty() || static_cast<int>(history.size()) != epochs) {
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

}  // namespace

void AddRunState(const RunState& state, TensorDict* training_state) {
  training_state->insert("history", HistoryToJson(state.history));
  training_state->insert("train_seconds", MakeNumber(state.train_seconds));
  training_state->insert("replicas", static_cast<int64_t>(state.replicas));
}

absl::StatusOr<RunState> ReadRunState(const Checkpoint& checkpoint, int most_replicas) {
  const TensorDict& entries = checkpoint.training_state;
  RunState state;
  DBN_ASSIGN_OR_RETURN(const std::string history, GetString(entries, "history"));
  DBN_ASSIGN_OR_RETURN(state.history, HistoryFromJson(history));
  DBN_RETURN_IF_ERROR(CheckHistory(state.history, checkpoint.epoch));
  DBN_ASSIGN_OR_RETURN(state.train_seconds, GetNumber(entries, "train_seconds"));
  if (!std::isfinite(state.train_seconds) || state.train_seconds <= 0) {
    return absl::InvalidArgumentError("no positive number 'train_seconds'");
  }
  const auto replicas = entries.find("replicas");
  if (replicas == entries.end() || !replicas->value().isInt() || replicas->value().toInt() < 1 ||
      replicas->value().toInt() > most_replicas) {
    return absl::InvalidArgumentError(absl::StrCat("no integer 'replicas' from 1 to ", most_replicas));
  }
  state.replicas = static_cast<int>(replicas->value().toInt());
  return state;
}

}  // namespace deepbindnet
