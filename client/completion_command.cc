#include "client/completion_command.h"

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/completion.h"
#include "client/completion_scripts.h"
#include "client/format.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

// A person waits.
constexpr double kTimeoutSeconds = 2;
constexpr uint32_t kMostNames = 500;

// The first page of a list; empty where the server does not answer.
template <typename Request, typename Response>
Response FirstPage(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   Connection* connection) {
  Request request;
  request.set_page_size(kMostNames);
  return connection->Call(method, request).value_or(Response());
}

std::vector<Candidate> Jobs(Connection* connection) {
  std::vector<Candidate> candidates;
  std::set<std::string> names;
  const v1::ListJobsResponse page = FirstPage(&Stub::ListJobs, connection);
  for (const v1::Job& job : page.jobs()) {
    const std::string kind = KindName(KindOf(job.spec()));
    const std::string state = StateName(job.state());
    if (names.insert(job.name()).second) candidates.push_back({job.name(), absl::StrCat(kind, ", ", state)});
    candidates.push_back({job.id(), absl::StrCat(kind, " ", job.name(), ", ", state)});
  }
  return candidates;
}

std::vector<Candidate> Datasets(Connection* connection) {
  std::vector<Candidate> candidates;
  const v1::ListDatasetsResponse page = FirstPage(&Stub::ListDatasets, connection);
  for (const v1::Dataset& dataset : page.datasets()) candidates.push_back({dataset.name(), ""});
  return candidates;
}

std::vector<Candidate> Models(Connection* connection) {
  std::vector<Candidate> candidates;
  const v1::ListModelsResponse page = FirstPage(&Stub::ListModels, connection);
  for (const v1::Model& model : page.models()) {
    candidates.push_back({model.name(), absl::StrCat("trained on ", model.dataset())});
    for (const std::string& alias : model.aliases()) candidates.push_back({alias, absl::StrCat("is ", model.name())});
  }
  return candidates;
}

// With the connection options of the words and the environment.
std::unique_ptr<Connection> Connect(const std::vector<std::string>& arguments, CLI::App* app, Session* session) {
  std::vector<std::string> line = arguments;
  line.insert(line.end(), {"server", "status"});  // For a command line has a command.
  std::reverse(line.begin(), line.end());
  try {
    app->parse(line);
  } catch (const CLI::Error&) {
    return nullptr;
  }
  ConnectionOptions options = *session->mutable_connection_options();
  options.timeout_seconds = kTimeoutSeconds;
  absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(options, session->interrupt());
  return connection.ok() ? *std::move(connection) : nullptr;
}

std::vector<Candidate> FromServer(const Completion& completion, Connection* connection) {
  switch (completion.source) {
    case Completion::Source::kJobs:
      return Jobs(connection);
    case Completion::Source::kDatasets:
      return Datasets(connection);
    case Completion::Source::kModels:
      return Models(connection);
    default:
      return {};
  }
}

}  // namespace

void PrintCompletion(const std::vector<std::string>& words, CLI::App* app, Session* session) {
  Completion completion = Complete(*app, words);
  Console* console = session->console();
  if (completion.source == Completion::Source::kFiles) return console->Line(":files");
  if (completion.source == Completion::Source::kDirectories) return console->Line(":directories");
  if (completion.source != Completion::Source::kTree) {
    const std::unique_ptr<Connection> connection = Connect(completion.arguments, app, session);
    if (connection == nullptr) return;
    for (Candidate& candidate : FromServer(completion, connection.get())) {
      if (!absl::StartsWith(candidate.word, completion.typed)) continue;
      candidate.word = completion.prefix + candidate.word;
      completion.candidates.push_back(std::move(candidate));
    }
  }
  for (const Candidate& candidate : completion.candidates) {
    console->Line(candidate.help.empty() ? candidate.word : absl::StrCat(candidate.word, "\t", candidate.help));
  }
}

void AddCompletionCommand(CLI::App* app, Action* action) {
  std::vector<std::string> shells;
  for (const auto& [shell, script] : CompletionScripts()) shells.push_back(shell);
  const std::string choices = absl::StrJoin(shells, "|");
  CLI::App* completion =
      app->add_subcommand("completion", "Print a script that lets a shell complete commands, options and names")
          ->fallthrough();
  completion->footer(
      absl::StrCat("bash: eval \"$(deepbindnet completion bash)\" in ~/.bashrc\n"
                   "zsh:  source <(deepbindnet completion zsh) in ~/.zshrc, after compinit\n"
                   "fish: deepbindnet completion fish > ~/.config/fish/completions/deepbindnet.fish\n",
                   app->get_footer()));
  auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "The shell that the script is for")
      ->required()
      ->type_name(choices)
      ->check(CLI::Validator(
          [=](const std::string& text) {
            return CompletionScripts().count(text) > 0 ? std::string()
                                                       : absl::StrCat("'", text, "' is not one of ", choices);
          },
          ""));
  completion->callback([=] {
    *action = [=](Session* session) {
      session->console()->set_mode(ConsoleMode::kPlain);  // A script in JSON mode, too.
      session->console()->Line(CompletionScripts().at(*shell));
      return absl::OkStatus();
    };
  });
}

}  // namespace deepbindnet::client
