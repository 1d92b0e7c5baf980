#include <cmath>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/file_descriptor.h"
#include "core/training/trainer.h"
#include "proto/flags/field_flags.h"
#include "server/convert/convert.h"
#include "server/worker/commands.h"
#include "server/worker/directory_lock.h"
#include "server/worker/stop.h"
#include "server/worker/training.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string data_dir;
  std::string output_dir;
  std::string device = "auto";
  bool resume = false;
  v1::TrainingOptions training;
};

std::string Eta(double seconds) { return seconds > 0.0 ? absl::StrCat("  ETA ", FormatSeconds(seconds)) : ""; }

// Shows a training's course.
class ConsoleObserver : public TrainingObserver {
 public:
  explicit ConsoleObserver(Console* console) : console_(console) {}

  void OnPhase(absl::string_view phase) override {
    console_->Object({{"phase", std::string(phase)}});
    console_->Progress(phase, 0, 0, "");
  }

  void OnStep(const StepReport& report) override {
    console_->Progress(
        absl::StrCat("epoch ", report.epoch), report.step, report.steps,
        absl::StrFormat("loss %.4f  %.0f pairs/s%s", report.loss, report.pairs_per_second, Eta(report.eta_seconds)));
  }

  void OnEpoch(const EpochReport& report) override {
    console_->Line(absl::StrFormat(
        "epoch %d/%d  loss %.4f  train RMSE %.4f  val RMSE %.4f  R2 %.4f  CI %.4f  lr %.2g  %.0f pairs/s  %s%s",
        report.epoch, report.epochs, report.train_loss, report.train.rmse, report.val.rmse, report.val.r2,
        report.val.ci, report.learning_rate, report.pairs_per_second, FormatSeconds(report.elapsed_seconds),
        report.is_best ? "  best" : ""));
    console_->Object({{"epoch", report.epoch},
                      {"epochs", report.epochs},
                      {"train_loss", report.train_loss},
                      {"train", MetricsJson(report.train, /*errors_only=*/true)},
                      {"val", MetricsJson(report.val)},
                      {"learning_rate", report.learning_rate},
                      {"gate_mean", report.gate_mean},
                      {"gate_sd", report.gate_sd},
                      {"pairs_per_second", report.pairs_per_second},
                      {"elapsed_seconds", report.elapsed_seconds},
                      {"is_best", report.is_best}});
  }

  void OnMessage(absl::string_view message) override {
    console_->Line(message);
    console_->Object({{"message", std::string(message)}});
  }

 private:
  Console* const console_;
};

std::string MetricsLine(const RegressionMetrics& metrics) {
  return absl::StrFormat("MSE %.4f  RMSE %.4f  MAE %.4f  R2 %.4f  Pearson %.4f  CI %.4f  r2m %.4f", metrics.mse,
                         metrics.rmse, metrics.mae, metrics.r2, metrics.pearson, metrics.ci, metrics.rm2);
}

void Report(const TrainingReport& report, const std::string& output_dir, Console* console) {
  console->Line(absl::StrFormat("done: best epoch %d of %d (%s); %d parameters, %.0f pairs/s, %s of training",
                                report.best_epoch, report.epochs_run, report.stop_reason, report.parameters,
                                report.pairs_per_second, FormatSeconds(report.training_seconds)));
  console->Line(absl::StrCat("val:  ", MetricsLine(report.val)));
  if (report.test.pairs > 0) console->Line(absl::StrCat("test: ", MetricsLine(report.test)));
  console->Line(absl::StrCat("model: ", output_dir, "/best_model.pt"));

  Json object = {{"state", "SUCCEEDED"},
                 {"best_epoch", report.best_epoch},
                 {"epochs_run", report.epochs_run},
                 {"stop_reason", report.stop_reason},
                 {"parameters", report.parameters},
                 {"training_seconds", report.training_seconds},
                 {"pairs_per_second", report.pairs_per_second},
                 {"digest", report.digest},
                 {"test_pairs", report.test.pairs}};
  for (const auto& [name, value] : NamedMetrics(report.val)) object[absl::StrCat("val_", name)] = value;
  for (const auto& [name, value] : NamedMetrics(report.test)) {
    object[absl::StrCat("test_", name)] = report.test.pairs > 0 ? value : std::nan("");
  }
  console->Object(object);
}

// What this process does of a training that something else has started in several, or all of it.
absl::StatusOr<TrainingReport> TrainHere(const v1::WorkerTask& task, const RankPlace& place, Console* console) {
  ConsoleObserver observer(console);
  return place.world_size > 1 ? RunRank(task, place, &observer) : RunTraining(task, &observer);
}

int Run(const Options& options, Console* console) {
  HandleStopSignals(OnStop::kFinish);
  v1::WorkerTask task;
  *task.mutable_spec()->mutable_train()->mutable_options() = options.training;
  task.set_dataset_dir(options.data_dir);
  task.set_output_dir(options.output_dir);
  task.set_device(options.device);
  task.set_resume(options.resume);
  if (const auto checked = FromProto(options.training); !checked.ok()) return console->WrongUsage(checked.status());
  const auto place = RankPlaceFromEnvironment();
  if (!place.ok()) return console->WrongUsage(place.status());
  FileDescriptor lock;
  if (place->rank == 0) {
    auto locked = LockDirectory(options.output_dir);
    if (!locked.ok()) return console->Fail(locked.status());
    lock = *std::move(locked);
  }
  const auto report = TrainHere(task, *place, console);
  if (absl::IsCancelled(report.status()) && StopRequested()) {
    return console->Stopped("what it has trained is saved, --resume goes on from there");
  }
  if (!report.ok()) return console->Fail(report.status());
  if (place->rank == 0) Report(*report, options.output_dir, console);
  return kDone;
}

// What is wrong with a device's name; empty where nothing is.
std::string CheckDevice(const std::string& device) {
  int index = 0;
  const bool numbered = absl::StartsWith(device, "cuda:") && absl::SimpleAtoi(device.substr(5), &index) && index >= 0;
  if (numbered || device == "auto" || device == "cpu" || device == "cuda") return "";
  return device + " is none of auto, cpu, cuda, cuda:N";
}

}  // namespace

void AddTrainCommand(CLI::App* app, Action* action) {
  CLI::App* const command = app->add_subcommand("train", "Train a model on a data set that preprocess wrote");
  command->footer(
      absl::StrCat("Where RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT are set, as torchrun, SLURM and "
                   "Kubernetes do, this\n"
                   "process is one of several that train together: all read the data, rank 0 writes.\n"
                   "SIGTERM saves the step at work.\n",
                   app->get_footer()));
  const auto options = std::make_shared<Options>();
  command->add_option("--data-dir", options->data_dir, "Directory that preprocess wrote")->required()->type_name("DIR");
  command
      ->add_option("--output-dir", options->output_dir,
                   "Directory for checkpoints, metrics and logs, made where missing")
      ->required()
      ->type_name("DIR");
  command->add_flag("--resume", options->resume, "Go on from latest_checkpoint.pt where there is one");
  command->add_option("--device", options->device, "auto (a GPU where there is one), cpu, cuda or cuda:N [auto]")
      ->type_name("TEXT")
      ->check(CheckDevice);
  AddFieldFlags(TrainingFlags(), "Training options", &options->training, command);
  command->callback([options, action] { *action = [options](Console* console) { return Run(*options, console); }; });
}

}  // namespace deepbindnet
