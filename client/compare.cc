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
#include "client/proto_json.h"
#include "client/request_id.h"
#include "client/submit.h"

namespace deepbindnet::client {
namespace {

constexpr size_t kLongestName = 64;

struct CompareArguments {
  std::vector<std::string> models;
  std::string dataset;
  std::string name;
  std::string output_dir = "comparison_results";
  std::string request_id;
  bool detach = false;
};

// The same command again attaches to the same job, because of the request id.
std::string SameCommand(const CompareArguments& arguments, Session* session) {
  std::vector<std::string> words = {"compare", "--models"};
  words.insert(words.end(), arguments.models.begin(), arguments.models.end());
  words.insert(words.end(), {"--dataset", arguments.dataset, "--name", arguments.name, "--output-dir",
                             arguments.output_dir, "--request-id", arguments.request_id});
  return session->CommandLine(words);
}

absl::StatusOr<v1::Job> Submit(const CompareArguments& arguments, Session* session) {
  v1::CompareRequest request;
  for (const std::string& model : arguments.models) request.mutable_spec()->add_models(model);
  request.mutable_spec()->set_dataset(arguments.dataset);
  request.mutable_spec()->set_name(arguments.name);
  request.set_request_id(arguments.request_id);
  return SubmitJob(arguments.request_id, session,
                   [&] { return session->connection()->Call(&v1::DeepBindNet::StubInterface::Compare, request); });
}

absl::Status Compare(CompareArguments arguments, Session* session) {
  if (arguments.request_id.empty()) arguments.request_id = MakeRequestId();
  if (arguments.name.empty()) arguments.name = absl::StrJoin(arguments.models, "-vs-").substr(0, kLongestName);
  if (!arguments.detach) CLIENT_RETURN_IF_ERROR(MakeOutputDirectory("--output-dir", arguments.output_dir));
  Console* console = session->console();
  CLIENT_ASSIGN_OR_RETURN(const v1::Job job, Submit(arguments, session));
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
  compare->add_option("--models", arguments->models, "Two or more models; the first is the reference")
      ->required()
      ->expected(2, 64);
  compare->add_option("--dataset", arguments->dataset, "Data set whose test part is used")->required();
  compare->add_option("--output-dir", arguments->output_dir,
                      "Directory for the report, made if missing [comparison_results]");
  compare->add_option("--name", arguments->name, "Name of the comparison [the models' names]");
  compare->add_option("--request-id", arguments->request_id,
                      "At most 64 characters; a repeated call is one job [random]");
  compare->add_flag("--detach", arguments->detach, "Return once the job is accepted");
  compare->callback([=] { *action = [=](Session* session) { return Compare(*arguments, session); }; });
}

}  // namespace deepbindnet::client
