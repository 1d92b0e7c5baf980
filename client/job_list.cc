// jobs list
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/format.h"
#include "client/job_commands.h"
#include "client/job_watcher.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

struct ListArguments {
  v1::ListJobsRequest request;
  uint32_t limit = 50;
};

std::string ProgressCell(const v1::Job& job) {
  if (job.has_pause()) return job.pause().reason();
  if (job.has_latest_epoch()) {
    return absl::StrFormat("epoch %d/%d, val rmse %s", job.latest_epoch().epoch(), job.latest_epoch().epochs(),
                           FormatMetric(job.latest_epoch().val().rmse()));
  }
  if (job.queue_position() > 0) return absl::StrCat("place ", job.queue_position(), " in the queue");
  return HasEnded(job.state()) ? "" : job.progress().phase();
}

void PrintTable(const std::vector<v1::Job>& jobs, Console* console) {
  const bool with_submitter =
      std::any_of(jobs.begin(), jobs.end(), [](const v1::Job& job) { return !job.submitter().empty(); });
  std::vector<std::string> header = {"JOB", "NAME", "KIND", "STATE", "PROGRESS", "CREATED (UTC)"};
  if (with_submitter) header.push_back("SUBMITTER");
  std::vector<std::vector<std::string>> rows;
  for (const v1::Job& job : jobs) {
    rows.push_back({job.id(), job.name(), KindName(KindOf(job.spec())), StateName(job.state()), ProgressCell(job),
                    FormatTime(job.create_time())});
    if (with_submitter) rows.back().push_back(job.submitter());
  }
  console->Table(header, rows);
}

absl::Status List(ListArguments arguments, Session* session) {
  std::vector<v1::Job> jobs;
  while (jobs.size() < arguments.limit) {
    arguments.request.set_page_size(std::min<uint32_t>(arguments.limit - jobs.size(), 1000));
    CLIENT_ASSIGN_OR_RETURN(const v1::ListJobsResponse page,
                            session->connection()->Call(&v1::DeepBindNet::StubInterface::ListJobs, arguments.request));
    for (const v1::Job& job : page.jobs()) session->console()->Json(ToJson(job));
    jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    if (page.next_page_token().empty()) break;
    arguments.request.set_page_token(page.next_page_token());
  }
  PrintTable(jobs, session->console());
  return absl::OkStatus();
}

// The values of an enum that people choose from, in lower case.
std::vector<std::string> Choices(const google::protobuf::EnumDescriptor* type) {
  std::vector<std::string> choices;
  for (int i = 0; i < type->value_count(); ++i) {
    if (type->value(i)->number() != 0) choices.push_back(absl::AsciiStrToLower(type->value(i)->name()));
  }
  return choices;
}

// Adds an option with any number of values of an enum, each of which goes to `add`.
void AddChoiceOption(const char* option, const google::protobuf::EnumDescriptor* type, const char* help,
                     const std::function<void(int)>& add, CLI::App* list) {
  const std::string choices = absl::StrJoin(Choices(type), "|");
  list->add_option_function<std::vector<std::string>>(
          option,
          [=](const std::vector<std::string>& names) {
            for (const std::string& name : names) {
              const auto* value = type->FindValueByName(absl::AsciiStrToUpper(name));
              if (value == nullptr || value->number() == 0) {
                throw CLI::ValidationError(option, absl::StrCat("'", name, "' is not one of ", choices));
              }
              add(value->number());
            }
          },
          help)
      ->type_name(choices);
}

}  // namespace

void AddJobListCommand(CLI::App* jobs, Action* action) {
  CLI::App* list = jobs->add_subcommand("list", "Jobs, newest first")->fallthrough();
  auto arguments = std::make_shared<ListArguments>();
  v1::ListJobsRequest* const request = &arguments->request;
  list->add_option("--limit", arguments->limit, "Most jobs to show, 1 or more [50]")->check(AtLeast(1));
  AddChoiceOption(
      "--state", v1::JobState_descriptor(), "Only jobs in these states [all]",
      [request](int state) { request->add_states(static_cast<v1::JobState>(state)); }, list);
  AddChoiceOption(
      "--kind", v1::JobKind_descriptor(), "Only jobs of these kinds [all]",
      [request](int kind) { request->add_kinds(static_cast<v1::JobKind>(kind)); }, list);
  list->add_option("--name", *request->mutable_name_prefix(), "Only jobs whose name begins so [all]")
      ->type_name("PREFIX");
  list->add_option("--submitter", *request->mutable_submitter(), "Only jobs that were submitted with this token [all]")
      ->type_name("NAME");
  list->callback([=] { *action = [=](Session* session) { return List(*arguments, session); }; });
}

}  // namespace deepbindnet::client
