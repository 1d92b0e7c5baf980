#include "core/training/run_files.h"

#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "core/base/file.h"

namespace deepbindnet {
namespace {

using nlohmann::json;

// JSON has no NaN: an undefined metric is null.
double Number(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

json MetricsToJson(const RegressionMetrics& metrics) {
  json object = {{"pairs", metrics.pairs}};
  for (const auto& [name, value] : NamedMetrics(metrics)) object[std::string(name)] = value;
  return object;
}

RegressionMetrics MetricsFromJson(const json& object) {
  RegressionMetrics metrics;
  metrics.pairs = object.at("pairs").get<int64_t>();
  metrics.mse = Number(object.at("mse"));
  metrics.rmse = Number(object.at("rmse"));
  metrics.mae = Number(object.at("mae"));
  metrics.r2 = Number(object.at("r2"));
  metrics.pearson = Number(object.at("pearson"));
  metrics.spearman = Number(object.at("spearman"));
  metrics.ci = Number(object.at("ci"));
  metrics.rm2 = Number(object.at("rm2"));
  return metrics;
}

}  // namespace

std::string TrainingOptionsToJson(const TrainingOptions& options) {
  return json{{"batch_size", options.batch_size},
              {"num_epochs", options.num_epochs},
              {"lr", options.lr},
              {"weight_decay", options.weight_decay},
              {"patience", options.patience},
              {"mixed_precision", options.mixed_precision},
              {"half_type", std::string(HalfTypeName(options.half_type))},
              {"loss", std::string(LossName(options.loss))},
              {"distribution_weight", options.distribution_weight},
              {"feature_dropout_rate", options.feature_dropout_rate},
              {"sam_rho", options.sam_rho},
              {"max_minutes", options.max_minutes},
              {"clip_norm", options.clip_norm},
              {"warmup_fraction", options.warmup_fraction},
              {"ema_decay", options.ema_decay},
              {"gradient_accumulation", options.gradient_accumulation},
              {"num_processes", options.num_processes},
              {"keep_checkpoints", options.keep_checkpoints},
              {"evaluate_test", options.evaluate_test},
              {"seed", options.seed}}
      .dump();
}

// Options that say when to stop and what to do then.
const std::set<std::string> kMayDiffer = {"num_epochs", "max_minutes", "patience", "keep_checkpoints", "evaluate_test"};

absl::Status CheckResumable(const Checkpoint& checkpoint, const TrainingOptions& options) {
  const auto compare = [](const json& earlier, const json& now) -> absl::Status {
    for (const auto& [field, value] : now.items()) {
      if (kMayDiffer.count(field) > 0) continue;
      if (earlier.contains(field) && earlier.at(field) == value) continue;
      const std::string before = earlier.contains(field) ? earlier.at(field).dump() : "unknown";
      return WithReason(
          absl::FailedPreconditionError(absl::StrCat(field, ": ", value.dump(), " cannot resume a run with ", before,
                                                     "; give ", before, " or train anew")),
          "OTHER_OPTIONS", {{"field", field}});
    }
    return absl::OkStatus();
  };
  DBN_RETURN_IF_ERROR(
      compare(json::parse(ModelOptionsToJson(checkpoint.options)), json::parse(ModelOptionsToJson(options.model))));
  return compare(json::parse(checkpoint.training), json::parse(TrainingOptionsToJson(options)));
}

namespace {

absl::Status Remove(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  return error ? absl::InternalError(absl::StrCat("cannot remove ", path, ": ", error.message())) : absl::OkStatus();
}

// The checkpoints of single epochs, by epoch.
absl::StatusOr<std::map<int, std::string>> EpochCheckpoints(const RunFiles& files) {
  constexpr absl::string_view kPrefix = "checkpoint_epoch_", kSuffix = ".pt";
  std::map<int, std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(files.output_dir, error)) {
    const std::string file = entry.path().filename().string();
    absl::string_view name = file;
    int epoch = 0;
    if (absl::ConsumePrefix(&name, kPrefix) && absl::ConsumeSuffix(&name, kSuffix) && absl::SimpleAtoi(name, &epoch)) {
      found[epoch] = entry.path().string();
    }
  }
  if (error) return absl::InternalError(absl::StrCat("cannot list ", files.output_dir, ": ", error.message()));
  return found;
}

}  // namespace

absl::Status RemoveRun(const RunFiles& files) {
  DBN_ASSIGN_OR_RETURN(const auto epochs, EpochCheckpoints(files));
  for (const std::string& path : {files.Latest(), files.Best(), files.MetricsCsv(), files.Result()}) {
    DBN_RETURN_IF_ERROR(Remove(path));
  }
  for (const auto& [epoch, path] : epochs) DBN_RETURN_IF_ERROR(Remove(path));
  return absl::OkStatus();
}

absl::Status RemoveOldCheckpoints(const RunFiles& files, int keep) {
  DBN_ASSIGN_OR_RETURN(auto epochs, EpochCheckpoints(files));
  while (keep > 0 && static_cast<int>(epochs.size()) > keep) {
    DBN_RETURN_IF_ERROR(Remove(epochs.begin()->second));
    epochs.erase(epochs.begin());
  }
  return absl::OkStatus();
}

std::string HistoryToJson(const std::vector<EpochReport>& history) {
  json epochs = json::array();
  for (const EpochReport& report : history) {
    epochs.push_back({{"epoch", report.epoch},
                      {"epochs", report.epochs},
                      {"train_loss", report.train_loss},
                      {"train", MetricsToJson(report.train)},
                      {"val", MetricsToJson(report.val)},
                      {"learning_rate", report.learning_rate},
                      {"gate_mean", report.gate_mean},
                      {"gate_sd", report.gate_sd},
                      {"pairs_per_second", report.pairs_per_second},
                      {"elapsed_seconds", report.elapsed_seconds},
                      {"is_best", report.is_best}});
  }
  return epochs.dump();
}

absl::StatusOr<std::vector<EpochReport>> HistoryFromJson(const std::string& text) {
  std::vector<EpochReport> history;
  try {
    for (const json& entry : json::parse(text)) {
      EpochReport report;
      entry.at("epoch").get_to(report.epoch);
      entry.at("epochs").get_to(report.epochs);
      report.train_loss = Number(entry.at("train_loss"));
      report.train = MetricsFromJson(entry.at("train"));
      report.val = MetricsFromJson(entry.at("val"));
      report.learning_rate = Number(entry.at("learning_rate"));
      report.gate_mean = Number(entry.at("gate_mean"));
      report.gate_sd = Number(entry.at("gate_sd"));
      report.pairs_per_second = Number(entry.at("pairs_per_second"));
      report.elapsed_seconds = Number(entry.at("elapsed_seconds"));
      entry.at("is_best").get_to(report.is_best);
      history.push_back(report);
    }
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("bad epoch history: ", error.what()));
  }
  return history;
}

absl::Status WriteMetricsCsv(const std::string& path, const std::vector<EpochReport>& history) {
  std::string text = "epoch,train_loss,learning_rate,gate_mean,gate_sd,pairs_per_second,elapsed_seconds,is_best";
  for (const char* part : {"train", "val"}) {
    for (const auto& [name, value] : NamedMetrics({})) absl::StrAppend(&text, ",", part, "_", name);
  }
  text += '\n';
  for (const EpochReport& report : history) {
    absl::StrAppendFormat(&text, "%d,%.9g,%.9g,%.6g,%.6g,%.6g,%.3f,%d", report.epoch, report.train_loss,
                          report.learning_rate, report.gate_mean, report.gate_sd, report.pairs_per_second,
                          report.elapsed_seconds, report.is_best ? 1 : 0);
    for (const RegressionMetrics* metrics : {&report.train, &report.val}) {
      for (const auto& [name, value] : NamedMetrics(*metrics)) absl::StrAppendFormat(&text, ",%.9g", value);
    }
    text += '\n';
  }
  return WriteFileAtomically(path, text);
}

absl::Status WriteResult(const std::string& path, const TrainingReport& report) {
  const json result = {{"best_epoch", report.best_epoch},
                       {"epochs_run", report.epochs_run},
                       {"val", MetricsToJson(report.val)},
                       {"test", MetricsToJson(report.test)},
                       {"parameters", report.parameters},
                       {"training_seconds", report.training_seconds},
                       {"pairs_per_second", report.pairs_per_second},
                       {"digest", report.digest},
                       {"stop_reason", report.stop_reason}};
  return WriteFileAtomically(path, result.dump(2) + "\n");
}

}  // namespace deepbindnet
