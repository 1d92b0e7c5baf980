// jobs: watch, logs and download; the others have a file each
#include <memory>
#include <string>

#include "client/commands.h"
#include "client/download.h"
#include "client/job_commands.h"
#include "client/job_output.h"
#include "client/job_watcher.h"

namespace deepbindnet::client {
namespace {

absl::Status Watch(const std::string& id, uint64_t from_sequence, Session* session) {
  Console* console = session->console();
  CLIENT_ASSIGN_OR_RETURN(const v1::Job ended,
                          JobWatcher(session).Follow(
                              id, from_sequence, [console](const v1::JobEvent& event) { PrintEvent(event, console); }));
  return PrintEnd(ended, console);
}

absl::Status Logs(const std::string& id, bool follow, Session* session) {
  Console* console = session->console();
  const JobWatcher::EventHandler print = [console](const v1::JobEvent& event) {
    if (event.has_log()) PrintEvent(event, console);
  };
  if (follow) return JobWatcher(session).Follow(id, 1, print).status();
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, GetJob(id, session));
  return JobWatcher(session).Replay(job.id(), job.last_sequence(), print);
}

void AddDownloadCommand(CLI::App* jobs, Action* action) {
  auto id = std::make_shared<std::string>();
  auto arguments = std::make_shared<DownloadArguments>();
  CLI::App* download = AddJobCommand(jobs, "download", "Fetch a job's files, those of a failed job too", id.get());
  AddDownloadOptions(download, arguments.get());
  download->callback([=] { *action = [=](Session* session) { return DownloadJobFiles(*id, *arguments, session); }; });
}

}  // namespace

CLI::App* AddJobCommand(CLI::App* jobs, const char* name, const char* help, std::string* id) {
  CLI::App* command = jobs->add_subcommand(name, help)->fallthrough();
  command->add_option("job", *id, "A job's id, or the name of what it makes (its newest job)")
      ->required()
      ->type_name("JOB");
  return command;
}

void AddJobsCommands(CLI::App* app, Action* action) {
  CLI::App* jobs = app->add_subcommand("jobs", "Look at jobs and steer them")->fallthrough()->require_subcommand(1);
  AddJobListCommand(jobs, action);
  AddJobStatusCommand(jobs, action);

  auto id = std::make_shared<std::string>();
  auto from_sequence = std::make_shared<uint64_t>(1);
  CLI::App* watch = AddJobCommand(
      jobs, "watch", "Every event of a job from the first, then live until it ends, also over pauses", id.get());
  watch->add_option("--from-sequence", *from_sequence, "First event to show, from 1 [1]")->check(AtLeast(1));
  watch->callback([=] { *action = [=](Session* session) { return Watch(*id, *from_sequence, session); }; });

  auto follow = std::make_shared<bool>(false);
  CLI::App* logs = AddJobCommand(jobs, "logs", "A job's log lines so far", id.get());
  logs->add_flag("--follow", *follow, "Go on until the job ends, also over pauses");
  logs->callback([=] { *action = [=](Session* session) { return Logs(*id, *follow, session); }; });

  AddJobControlCommands(jobs, action);
  AddDownloadCommand(jobs, action);
}

}  // namespace deepbindnet::client
