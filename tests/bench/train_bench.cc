// A whole training run by core alone, for machines without the service's libraries:
//   deepbindnet_train_bench DATA_DIR OUTPUT_DIR [NAME=VALUE ...]
// trains the preset `small` with the named options changed, evaluates the test part where evaluate_test=1 is given, and
// prints one JSON line for each epoch and one for the result.
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/exceptions.h"
#include "core/compute/threads.h"
#include "core/compute/torch_util.h"
#include "core/training/trainer.h"
#include "core/training/training_options.h"

namespace deepbindnet {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

Json MetricsJson(const RegressionMetrics& metrics) {
  Json object = {{"pairs", metrics.pairs}};
  for (const auto& [name, value] : NamedMetrics(metrics)) object[std::string(name)] = value;
  return object;
}

class Printer : public SilentObserver {
 public:
  void OnPhase(absl::string_view phase) override { Print({{"phase", std::string(phase)}}); }
  void OnEpoch(const EpochReport& report) override {
    Print({{"epoch", report.epoch},
           {"train_mse", report.train.mse},
           {"val_mse", report.val.mse},
           {"val_ci", report.val.ci},
           {"pairs_per_second", report.pairs_per_second},
           {"training_seconds", report.elapsed_seconds}});
  }
  void OnMessage(absl::string_view message) override { Print({{"message", std::string(message)}}); }
  void Print(Json line) const {
    line["wall_seconds"] = std::chrono::duration<double>(Clock::now() - start_).count();
    std::cout << line.dump() << std::endl;
  }

 private:
  const Clock::time_point start_ = Clock::now();
};

absl::Status SetOption(const std::string& given, TrainingOptions* options) {
  const std::vector<std::string> parts = absl::StrSplit(given, absl::MaxSplits('=', 1));
  double number = 0;
  if (parts.size() == 2 && parts[0] == "device") {
    options->device = parts[1];
    return absl::OkStatus();
  }
  if (parts.size() == 2 && parts[0] == "half_type") {
    for (const HalfType type : {HalfType::kAuto, HalfType::kBf16, HalfType::kFp16}) {
      if (parts[1] == HalfTypeName(type)) {
        options->half_type = type;
        return absl::OkStatus();
      }
    }
  }
  if (parts.size() == 2 && parts[0] == "model_type") {
    DBN_ASSIGN_OR_RETURN(options->model.model_type, ParseModelType(parts[1]));
    return absl::OkStatus();
  }
  const std::map<std::string, std::function<void(double)>> setters = {
      {"members", [&](double x) { options->model.members = static_cast<int>(x); }},
      {"hidden_dim", [&](double x) { options->model.hidden_dim = static_cast<int>(x); }},
      {"feature_dim", [&](double x) { options->model.feature_dim = static_cast<int>(x); }},
      {"fusion_heads", [&](double x) { options->model.fusion_heads = static_cast<int>(x); }},
      {"fusion_layers", [&](double x) { options->model.fusion_layers = static_cast<int>(x); }},
      {"dropout_rate", [&](double x) { options->model.dropout_rate = x; }},
      {"similarity_prior", [&](double x) { options->model.similarity_prior = x != 0; }},
      {"batch_size", [&](double x) { options->batch_size = static_cast<int>(x); }},
      {"num_epochs", [&](double x) { options->num_epochs = static_cast<int>(x); }},
      {"patience", [&](double x) { options->patience = static_cast<int>(x); }},
      {"lr", [&](double x) { options->lr = x; }},
      {"weight_decay", [&](double x) { options->weight_decay = x; }},
      {"feature_dropout_rate", [&](double x) { options->feature_dropout_rate = x; }},
      {"sam_rho", [&](double x) { options->sam_rho = x; }},
      {"max_minutes", [&](double x) { options->max_minutes = x; }},
      {"mixed_precision", [&](double x) { options->mixed_precision = x != 0; }},
      {"evaluate_test", [&](double x) { options->evaluate_test = x != 0; }},
      {"seed", [&](double x) { options->seed = static_cast<uint64_t>(x); }}};
  const auto setter = setters.find(parts[0]);
  if (parts.size() != 2 || setter == setters.end() || !absl::SimpleAtod(parts[1], &number)) {
    return absl::InvalidArgumentError(absl::StrCat("'", given, "' is no NAME=VALUE of an option that is known here"));
  }
  setter->second(number);
  return absl::OkStatus();
}

absl::Status Run(const std::vector<std::string>& arguments) {
  DBN_ASSIGN_OR_RETURN(TrainingOptions options, TrainingPreset("small"));
  options.evaluate_test = false;
  options.patience = 0;
  options.keep_checkpoints = 1;
  for (size_t i = 2; i < arguments.size(); ++i) DBN_RETURN_IF_ERROR(SetOption(arguments[i], &options));
  Printer printer;
  const std::atomic<bool> stop(false);
  DBN_ASSIGN_OR_RETURN(const TrainingReport report,
                       Train(arguments[0], arguments[1], options, /*resume=*/false, stop, &printer));
  Json line = {{"best_epoch", report.best_epoch},
               {"training_seconds", report.training_seconds},
               {"pairs_per_second", report.pairs_per_second},
               {"parameters", report.parameters},
               {"val", MetricsJson(report.val)}};
  if (options.evaluate_test) line["test"] = MetricsJson(report.test);
  printer.Print(line);
  return absl::OkStatus();
}

}  // namespace
}  // namespace deepbindnet

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: deepbindnet_train_bench DATA_DIR OUTPUT_DIR [NAME=VALUE ...]" << std::endl;
    return 2;
  }
  deepbindnet::SetComputeThreads(0);
  const absl::Status status =
      deepbindnet::CatchTorch([&] { return deepbindnet::Run(std::vector<std::string>(argv + 1, argv + argc)); });
  if (status.ok()) return 0;
  std::cerr << status << std::endl;
  return 1;
}
