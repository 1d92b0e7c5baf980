#include <exception>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "server/convert/convert.h"
#include "server/worker/commands.h"
#include "server/worker/event_writer.h"
#include "server/worker/parent.h"
#include "server/worker/stop.h"
#include "server/worker/task_runner.h"

namespace deepbindnet {
namespace {

struct Options {
  std::string task_file;
  int events_fd = -1;
};

absl::StatusOr<v1::JobResult> ReadAndRun(const std::string& task_file, EventWriter* events) {
  DBN_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(task_file));
  v1::WorkerTask task;
  if (!task.ParseFromString(bytes)) return absl::InvalidArgumentError(absl::StrCat(task_file, ": is not a task"));
  try {
    return RunTask(task, events);
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

int Run(const Options& options, Console* console) {
  // Until the task says otherwise: there is nothing to finish yet.
  HandleStopSignals(OnStop::kExit);
  if (const absl::Status status = DieWithParent(options.events_fd); !status.ok()) {
    return absl::IsInvalidArgument(status) ? console->WrongUsage(status) : console->Fail(status);
  }
  EventWriter events(options.events_fd);
  const auto result = ReadAndRun(options.task_file, &events);
  if (absl::IsCancelled(result.status()) && StopRequested()) {
    return console->Stopped("what it has trained is in the checkpoint");
  }
  if (!result.ok()) {
    events.Error(ToProto(result.status()));
    return console->Fail(result.status());
  }
  events.Result(*result);
  // An unseen result is no result: the server starts the job again, and it ends at once.
  if (!events.status().ok()) return console->Fail(events.status());
  return kDone;
}

}  // namespace

void AddRunCommand(CLI::App* app, Action* action) {
  CLI::App* const command = app->add_subcommand("run", "Run one job of the server (started by deepbindnet-server)");
  const auto options = std::make_shared<Options>();
  command->add_option("--task", options->task_file, "File with one serialised WorkerTask")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--events-fd", options->events_fd, "Open file descriptor that takes length-delimited WorkerEvents")
      ->required()
      ->type_name("FD");
  command->callback([options, action] { *action = [options](Console* console) { return Run(*options, console); }; });
}

}  // namespace deepbindnet
