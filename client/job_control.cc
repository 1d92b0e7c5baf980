// jobs pause|resume|cancel|delete
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/deletion.h"
#include "client/format.h"
#include "client/job_commands.h"
#include "client/job_output.h"
#include "client/job_watcher.h"
#include "client/proto_json.h"
#include "client/repeat.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

// What a command makes of a job.
struct Wish {
  const char* command;
  v1::JobState passing;  // On the way there.
  v1::JobState goal;
  // Whether a job that ends with SUCCEEDED on the way is as good: a pause is to free what a job has.
  bool success_will_do;
};

constexpr Wish kPause = {"pause", v1::PAUSING, v1::PAUSED, true};
constexpr Wish kCancel = {"cancel", v1::CANCELLING, v1::CANCELLED, false};

template <typename Request>
absl::StatusOr<v1::Job> CallOnJob(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, v1::Job*),
                                  const v1::Job& job, bool* repeated, Session* session) {
  Request request;
  request.set_job(job.id());
  return RepeatIfLost(session, repeated, [&] { return session->connection()->Call(method, request); });
}

void Print(const v1::Job& job, Console* console) {
  console->ClearProgress();
  console->Json(ToJson(job));
  console->Line(absl::StrCat(job.id(), ": ", StateName(job.state())));
}

// The server's answer, or the job where it has ended since `before`: what came too late is no error yet.
absl::StatusOr<v1::Job> AskFor(const Wish& wish, const v1::Job& before, Session* session) {
  bool repeated = false;
  const absl::StatusOr<v1::Job> answer = wish.goal == v1::PAUSED
                                             ? CallOnJob(&Stub::PauseJob, before, &repeated, session)
                                             : CallOnJob(&Stub::CancelJob, before, &repeated, session);
  if (!absl::IsFailedPrecondition(answer.status()) || HasEnded(before.state())) return answer;
  CLIENT_ASSIGN_OR_RETURN(const v1::Job now, GetJob(before.id(), session));
  if (!HasEnded(now.state())) return answer;
  return now;
}

// Blocks until `job`, which is on the way to PAUSED or CANCELLED, is there or elsewhere.
absl::StatusOr<v1::Job> AwaitEnd(const Wish& wish, const v1::Job& job, Session* session) {
  session->console()->Progress(absl::StrCat(job.id(), ": ", StateName(job.state())), 0, 0, "");
  v1::JobState reached = job.state();
  absl::StatusOr<v1::Job> settled =
      JobWatcher(session).Await(job.id(), job.last_sequence() + 1, [&reached](const v1::StateChange& change) {
        reached = change.to();
        return reached != v1::PAUSING && reached != v1::CANCELLING;
      });
  if (GetExitCode(settled.status()) == ExitCode::kInterrupted) {
    return InterruptedError(absl::StrCat("detached; job ", job.id(), " goes on ", StateName(job.state()),
                                         "; look again: ", session->CommandLine({"jobs", "status", job.id()})));
  }
  // A job that was resumed at once was paused all the same.
  if (settled.ok() && reached == wish.goal) settled->set_state(reached);
  return settled;
}

absl::Status Verdict(const Wish& wish, const v1::Job& job, bool detach, Session* session) {
  if (job.state() == wish.goal || (detach && job.state() == wish.passing)) return absl::OkStatus();
  const std::string too_late = absl::StrCat("before it was ", StateName(wish.goal));
  if (job.state() == v1::SUCCEEDED) {
    const std::string message = absl::StrCat("job ", job.id(), " succeeded ", too_late, "; what it made is there");
    if (!wish.success_will_do) return JobEndError(message);
    session->console()->Note(message);
    return absl::OkStatus();
  }
  if (HasEnded(job.state())) return AppendMessage(EndStatus(job), absl::StrCat("; that was ", too_late));
  return absl::AbortedError(absl::StrCat("job ", job.id(), " is ", StateName(job.state()), ", not ",
                                         StateName(wish.goal),
                                         "; say it again: ", session->CommandLine({"jobs", wish.command, job.id()})));
}

// The id first: a second call by name could mean another job.
absl::Status Fulfil(const Wish& wish, const std::string& id, bool detach, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::Job before, GetJob(id, session));
  CLIENT_ASSIGN_OR_RETURN(v1::Job job, AskFor(wish, before, session));
  if (!detach && job.state() == wish.passing) {
    CLIENT_ASSIGN_OR_RETURN(job, AwaitEnd(wish, job, session));
  }
  Print(job, session->console());
  return Verdict(wish, job, detach, session);
}

absl::Status Resume(const std::string& id, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::Job before, GetJob(id, session));
  bool repeated = false;
  absl::StatusOr<v1::Job> answer = CallOnJob(&Stub::ResumeJob, before, &repeated, session);
  if (repeated && absl::IsFailedPrecondition(answer.status()) && before.state() == v1::PAUSED) {
    CLIENT_ASSIGN_OR_RETURN(const v1::Job now, GetJob(before.id(), session));
    if (now.state() != v1::PAUSED) answer = now;  // The first call did its work.
  }
  if (!answer.ok()) return answer.status();
  Print(*answer, session->console());
  return absl::OkStatus();
}

absl::StatusOr<Deletable> FindJob(const std::string& name, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, GetJob(name, session));
  v1::DeleteJobRequest request;
  request.set_job(job.id());
  return Deletable{absl::StrCat("job ", job.id(), " (", KindName(KindOf(job.spec())), " ", job.name(), ")"),
                   {{"job", job.id()}, {"name", job.name()}},
                   [=] { return session->connection()->Call(&Stub::DeleteJob, request).status(); }};
}

void AddWishCommand(CLI::App* jobs, const Wish& wish, const char* help, const char* exit_codes, Action* action) {
  auto id = std::make_shared<std::string>();
  auto detach = std::make_shared<bool>(false);
  CLI::App* command = AddJobCommand(jobs, wish.command, help, id.get());
  command->footer(absl::StrCat(exit_codes, "\n", jobs->get_footer()));
  command->add_flag("--detach", *detach, "Return once the server has accepted it");
  command->callback([=] { *action = [=](Session* session) { return Fulfil(wish, *id, *detach, session); }; });
}

}  // namespace

void AddJobControlCommands(CLI::App* jobs, Action* action) {
  AddWishCommand(jobs, kPause, "Stop a job so that it can go on from there, and wait until it is paused",
                 "A job that succeeds before it is paused is exit code 0, one that fails or is cancelled 1.", action);

  auto id = std::make_shared<std::string>();
  CLI::App* resume = AddJobCommand(jobs, "resume", "Put a paused job back in the queue", id.get());
  resume->callback([=] { *action = [=](Session* session) { return Resume(*id, session); }; });

  AddWishCommand(jobs, kCancel, "Stop a job for good, and wait until it is cancelled",
                 "A job that ends otherwise before it is cancelled is exit code 1.", action);

  auto arguments = std::make_shared<DeleteArguments>();
  CLI::App* remove =
      AddDeleteCommand("JOB", "Remove ended jobs with their journals and files",
                       "Ids of jobs, or names of what they made (the newest job)", arguments.get(), jobs);
  remove->callback([=] {
    *action = [=](Session* session) {
      return DeleteEach(
          *arguments, [=](const std::string& name) { return FindJob(name, session); }, session);
    };
  });
}

}  // namespace deepbindnet::client
