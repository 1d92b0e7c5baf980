#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "server/worker/commands.h"
#include "server/worker/parent.h"
#include "server/worker/stop.h"
#include "server/worker/training.h"

namespace deepbindnet {
namespace {

int Run(pid_t parent, Console* console) {
  HandleStopSignals(OnStop::kFinish);
  if (const absl::Status status = DieWithProcess(parent); !status.ok()) return console->Fail(status);
  v1::WorkerTask task;
  if (!task.ParseFromFileDescriptor(STDIN_FILENO)) {
    return console->WrongUsage(absl::InvalidArgumentError("standard input is not a task"));
  }
  const auto place = RankPlaceFromEnvironment();
  if (!place.ok()) return console->WrongUsage(place.status());
  SilentObserver observer;  // Rank 0 reports for all.
  const auto report = RunRank(task, *place, &observer);
  if (absl::IsCancelled(report.status())) return kStopped;  // Rank 0 says so.
  return report.ok() ? kDone : console->Fail(report.status());
}

}  // namespace

void AddRankCommand(CLI::App* app, Action* action) {
  CLI::App* const command = app->add_subcommand("rank", "One of several processes of a training (started by train)");
  const auto parent = std::make_shared<pid_t>(0);
  command->add_option("--parent", *parent, "Process that started this one, and that it ends with")
      ->required()
      ->type_name("PID");
  command->callback([parent, action] { *action = [parent](Console* console) { return Run(*parent, console); }; });
}

}  // namespace deepbindnet
