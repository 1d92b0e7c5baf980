// jobs list|status|watch|logs|cancel|download
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands.h"
#include "client/download.h"
#include "client/format.h"
#include "client/job_output.h"
#include "client/job_watcher.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

std::string ProgressCell(const v1::Job& job) {
  if (job.has_latest_epoch()) {
    return absl::StrFormat("epoch %d/%d, val rmse %s", job.latest_epoch().epoch(), job.latest_epoch().epochs(),
                           FormatMetric(job.latest_epoch().val().rmse()));
  }
  return HasEnded(job.state()) ? "" : job.progress().phase();
}

struct ListArguments {
  v1::ListJobsRequest request;
  uint32_t limit = 50;
};

absl::Status List(ListArguments arguments, Session* session) {
  std::vector<std::vector<std::string>> rows;
  uint32_t left = arguments.limit;
  while (left > 0) {
    arguments.request.set_page_size(std::min<uint32_t>(left, 1000));
    CLIENT_ASSIGN_OR_RETURN(const v1::ListJobsResponse page,
                            session->connection()->Call(&Stub::ListJobs, arguments.request));
    for (const v1::Job& job : page.jobs()) {
      session->console()->Json(ToJson(job));
      rows.push_back({job.id(), job.name(), KindName(KindOf(job.spec())), StateName(job.state()), ProgressCell(job),
                      FormatTime(job.create_time())});
    }
    left -= std::min<uint32_t>(left, page.jobs_size());
    if (page.next_page_token().empty()) break;
    arguments.request.set_page_token(page.next_page_token());
  }
  session->console()->Table({"JOB", "NAME", "KIND", "STATE", "PROGRESS", "CREATED (UTC)"}, rows);
  return absl::OkStatus();
}

absl::Status Status(const std::string& id, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, GetJob(id, session));
  Console* console = session->console();
  console->Json(ToJson(job));
  console->Line(absl::StrCat("job       ", job.id(), " (", KindName(KindOf(job.spec())), " ", job.name(), ")"));
  console->Line(absl::StrCat("state     ", StateName(job.state()),
                             job.restarts() > 0 ? absl::StrCat(", restarted ", job.restarts(), " times") : ""));
  console->Line(absl::StrCat("created   ", FormatTime(job.create_time()), " UTC"));
  if (job.has_start_time()) console->Line(absl::StrCat("started   ", FormatTime(job.start_time()), " UTC"));
  if (job.has_end_time()) console->Line(absl::StrCat("ended     ", FormatTime(job.end_time()), " UTC"));
  if (!HasEnded(job.state()) && !job.progress().phase().empty()) {
    console->Line(absl::StrCat("progress  ", job.progress().phase(), " ", ProgressDetail(job.progress())));
  }
  if (job.has_latest_epoch()) console->Line(absl::StrCat("latest    ", EpochLine(job.latest_epoch())));
  if (job.has_best_epoch()) console->Line(absl::StrCat("best      ", EpochLine(job.best_epoch())));
  if (job.has_error()) console->Line(absl::StrCat("error     ", job.error().reason(), ": ", job.error().message()));
  for (const std::string& artifact : job.artifacts()) console->Line(absl::StrCat("artifact  ", artifact));
  return absl::OkStatus();
}

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

absl::Status Cancel(const std::string& id, Session* session) {
  v1::CancelJobRequest request;
  request.set_job(id);
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, session->connection()->Call(&Stub::CancelJob, request));
  session->console()->Json(ToJson(job));
  session->console()->Line(absl::StrCat(job.id(), ": ", StateName(job.state())));
  return absl::OkStatus();
}

// Adds a command with a required JOB argument.
CLI::App* AddJobCommand(CLI::App* jobs, const char* name, const char* help, std::string* id) {
  CLI::App* command = jobs->add_subcommand(name, help)->fallthrough();
  command->add_option("job", *id, "A job's id, or the name of what it makes (its newest job)")->required();
  return command;
}

void AddListCommand(CLI::App* jobs, Action* action) {
  CLI::App* list = jobs->add_subcommand("list", "Jobs, newest first")->fallthrough();
  auto arguments = std::make_shared<ListArguments>();
  list->add_option("--limit", arguments->limit, "Most jobs to show, 1 or more [50]")->check(AtLeast(1));
  list->add_option_function<std::vector<std::string>>(
      "--state",
      [arguments](const std::vector<std::string>& names) {
        for (const std::string& name : names) {
          v1::JobState state;
          if (!v1::JobState_Parse(absl::AsciiStrToUpper(name), &state)) {
            throw CLI::ValidationError("--state", absl::StrCat("'", name, "' is no state of a job"));
          }
          arguments->request.add_states(state);
        }
      },
      "Only jobs in these states: queued, running, cancelling, succeeded, failed, cancelled, paused");
  list->callback([=] { *action = [=](Session* session) { return List(*arguments, session); }; });
}

void AddDownloadCommand(CLI::App* jobs, Action* action) {
  auto id = std::make_shared<std::string>();
  auto arguments = std::make_shared<DownloadArguments>();
  CLI::App* download = AddJobCommand(jobs, "download", "Fetch a job's files, those of a failed job too", id.get());
  AddDownloadOptions(download, arguments.get());
  download->callback([=] { *action = [=](Session* session) { return DownloadJobFiles(*id, *arguments, session); }; });
}

}  // namespace

void AddJobsCommands(CLI::App* app, Action* action) {
  CLI::App* jobs = app->add_subcommand("jobs", "Look at jobs and steer them")->fallthrough()->require_subcommand(1);
  AddListCommand(jobs, action);

  auto id = std::make_shared<std::string>();
  CLI::App* status = AddJobCommand(jobs, "status", "A job as it stands", id.get());
  status->callback([=] { *action = [=](Session* session) { return Status(*id, session); }; });

  auto from_sequence = std::make_shared<uint64_t>(1);
  CLI::App* watch =
      AddJobCommand(jobs, "watch", "Every event of a job from the first, then live until it ends", id.get());
  watch->add_option("--from-sequence", *from_sequence, "First event to show, from 1 [1]")->check(AtLeast(1));
  watch->callback([=] { *action = [=](Session* session) { return Watch(*id, *from_sequence, session); }; });

  auto follow = std::make_shared<bool>(false);
  CLI::App* logs = AddJobCommand(jobs, "logs", "A job's log lines so far", id.get());
  logs->add_flag("--follow", *follow, "Go on until the job ends");
  logs->callback([=] { *action = [=](Session* session) { return Logs(*id, *follow, session); }; });

  CLI::App* cancel = AddJobCommand(jobs, "cancel", "Stop a job", id.get());
  cancel->callback([=] { *action = [=](Session* session) { return Cancel(*id, session); }; });

  AddDownloadCommand(jobs, action);
}

}  // namespace deepbindnet::client
