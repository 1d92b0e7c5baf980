// compare
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands.h"
#include "client/download.h"
#include "client/files.h"
#include "client/job_output.h"
#include "client/job_watcher.h"
#include "client/request_id.h"
#include "client/scheduling_options.h"
#include "client/submit.h"

namespace deepbindnet::client {
namespace {

constexpr size_t kLongestName = 64;

struct CompareArguments {
  v1::CompareRequest request;
  std::vector<std::string> models;
  std::string output_dir = "comparison_results";
  bool validate_only = false;
  bool detach = false;
};

// The same command again attaches to the same job, because of the request id.
std::string SameCommand(const CompareArguments& arguments, Session* session) {
  const v1::CompareRequest& request = arguments.request;
  std::vector<std::string> words = {"compare", "--models"};
  words.insert(words.end(), arguments.models.begin(), arguments.models.end());
  words.insert(words.end(), {"--dataset", request.spec().dataset(), "--name", request.spec().name(), "--output-dir",
                             arguments.output_dir});
  if (request.priority() != 0) words.insert(words.end(), {"--priority", absl::StrCat(request.priority())});
  if (request.has_max_restarts()) words.insert(words.end(), {"--max-restarts", absl::StrCat(request.max_restarts())});
  words.insert(words.end(), {"--request-id", request.request_id()});
  return session->CommandLine(words);
}

absl::StatusOr<v1::Job> Call(const v1::CompareRequest& request, Session* session) {
  return session->connection()->Call(&v1::DeepBindNet::StubInterface::Compare, request);
}

absl::Status Validate(v1::CompareRequest request, Session* session) {
  request.set_validate_only(true);
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, Call(request, session));
  PrintValidated(job, session->console());
  return absl::OkStatus();
}

absl::Status Compare(CompareArguments arguments, Session* session) {
  v1::CompareRequest& request = arguments.request;
  for (const std::string& model : arguments.models) request.mutable_spec()->add_models(model);
  if (request.spec().name().empty()) {
    request.mutable_spec()->set_name(absl::StrJoin(arguments.models, "-vs-").substr(0, kLongestName));
  }
  if (arguments.validate_only) return Validate(request, session);
  if (request.request_id().empty()) request.set_request_id(MakeRequestId());
  if (!arguments.detach) CLIENT_RETURN_IF_ERROR(MakeOutputDirectory("--output-dir", arguments.output_dir));
  Console* console = session->console();
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job,
                          SubmitJob(request.request_id(), session, [&] { return Call(request, session); }));
  PrintAccepted(job, session);
  if (arguments.detach) {
    console->Line(absl::StrCat("fetch its report with: ", SameCommand(arguments, session)));
    return absl::OkStatus();
  }
  const absl::StatusOr<v1::Job> ended =
      JobWatcher(session).Follow(job.id(), 1, [console](const v1::JobEvent& event) { PrintEvent(event, console); });
  if (GetExitCode(ended.status()) == ExitCode::kInterrupted) {
    return InterruptedError(absl::StrCat(
        "detached; job ", job.id(), " goes on; re-attach and fetch its report: ", SameCommand(arguments, session)));
  }
  if (!ended.ok()) return ended.status();
  absl::Status fetched;
  if (ended->state() == v1::SUCCEEDED) {
    const std::vector<std::string> artifacts(ended->artifacts().begin(), ended->artifacts().end());
    fetched = DownloadAndPrint(job.id(), artifacts, arguments.output_dir, session);
  }
  const absl::Status end = PrintEnd(*ended, console);
  if (fetched.ok()) return end;
  return AppendMessage(fetched, absl::StrCat("; fetch the report with: ", SameCommand(arguments, session)));
}

}  // namespace

void AddCompareCommand(CLI::App* app, Action* action) {
  CLI::App* compare =
      app->add_subcommand("compare", "Measure models on one test part and fetch the report")->fallthrough();
  auto arguments = std::make_shared<CompareArguments>();
  v1::CompareSpec* spec = arguments->request.mutable_spec();
  compare->add_option("--models", arguments->models, "Two or more models; the first is the reference")
      ->required()
      ->expected(2, 64)
      ->type_name("MODEL");
  compare->add_option("--dataset", *spec->mutable_dataset(), "Data set whose test part is used")
      ->required()
      ->type_name("DATASET");
  compare
      ->add_option("--output-dir", arguments->output_dir,
                   "Directory for the report, made if missing [comparison_results]")
      ->type_name("DIR");
  compare->add_option("--name", *spec->mutable_name(), "Name of the comparison [the models' names]")->type_name("NAME");
  AddSchedulingOptions(&arguments->request, compare);
  compare->add_flag("--validate-only", arguments->validate_only, "Check it and show what would be done; start nothing");
  compare->add_flag("--detach", arguments->detach, "Return once the job is accepted");
  compare->callback([=] { *action = [=](Session* session) { return Compare(*arguments, session); }; });
}

}  // namespace deepbindnet::client
