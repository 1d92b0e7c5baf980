// jobs status
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/format.h"
#include "client/job_commands.h"
#include "client/job_watcher.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

void PrintState(const v1::Job& job, Session* session) {
  Console* console = session->console();
  console->Line(absl::StrCat(
      "state     ", StateName(job.state()),
      job.restarts() > 0 ? absl::StrCat(", restarted ", job.restarts(), " of at most ", job.max_restarts(), " times")
                         : ""));
  if (job.has_pause()) {
    console->Line(
        absl::StrCat("paused    ", job.pause().reason(), ": ", job.pause().message(), " (goes on by itself)"));
  } else if (job.state() == v1::PAUSED) {
    console->Line(absl::StrCat("paused    until you say: ", session->CommandLine({"jobs", "resume", job.id()})));
  }
  if (job.queue_position() > 0) console->Line(absl::StrCat("queue     place ", job.queue_position()));
  if (!job.submitter().empty()) console->Line(absl::StrCat("submitter ", job.submitter()));
  if (job.priority() != 0) console->Line(absl::StrCat("priority  ", job.priority()));
  if (job.devices_size() > 0) {
    console->Line(absl::StrCat("devices   ", absl::StrJoin(job.devices(), ", ")));
  } else if (job.num_devices() > 1 && !HasEnded(job.state())) {
    console->Line(absl::StrCat("devices   none; takes ", job.num_devices()));
  }
}

void PrintProgress(const v1::Job& job, Console* console) {
  if (!HasEnded(job.state()) && !job.progress().phase().empty()) {
    v1::Progress progress = job.progress();
    progress.clear_eta();
    console->Line(absl::StrCat("progress  ", progress.phase(), " ", ProgressDetail(progress)));
  }
  if (job.state() == v1::RUNNING && job.progress().has_eta()) {
    console->Line(absl::StrCat("eta       ", FormatTimeLeft(ToSeconds(job.progress().eta()))));
  }
  if (job.has_latest_epoch()) console->Line(absl::StrCat("latest    ", EpochLine(job.latest_epoch())));
  if (job.has_best_epoch()) console->Line(absl::StrCat("best      ", EpochLine(job.best_epoch())));
}

absl::Status Status(const std::string& id, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, GetJob(id, session));
  Console* console = session->console();
  console->Json(ToJson(job));
  console->Line(absl::StrCat("job       ", job.id(), " (", KindName(KindOf(job.spec())), " ", job.name(), ")"));
  PrintState(job, session);
  console->Line(absl::StrCat("created   ", FormatTime(job.create_time()), " UTC"));
  if (job.has_start_time()) console->Line(absl::StrCat("started   ", FormatTime(job.start_time()), " UTC"));
  if (job.has_end_time()) console->Line(absl::StrCat("ended     ", FormatTime(job.end_time()), " UTC"));
  PrintProgress(job, console);
  if (job.has_error()) console->Line(absl::StrCat("error     ", job.error().reason(), ": ", job.error().message()));
  for (const std::string& artifact : job.artifacts()) console->Line(absl::StrCat("artifact  ", artifact));
  return absl::OkStatus();
}

}  // namespace

void AddJobStatusCommand(CLI::App* jobs, Action* action) {
  auto id = std::make_shared<std::string>();
  CLI::App* status = AddJobCommand(jobs, "status", "A job as it stands", id.get());
  status->callback([=] { *action = [=](Session* session) { return Status(*id, session); }; });
}

}  // namespace deepbindnet::client
