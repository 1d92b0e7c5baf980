// deepbindnet-worker: one job in one process, for the server (`run`) and for people.
#include <signal.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/compute/threads.h"
#include "proto/flags/option_names.h"
#include "server/runtime/runtime.h"
#include "server/worker/commands.h"

namespace deepbindnet {
namespace {

void AddCommands(CLI::App* app, bool* json, Action* action) {
  app->require_subcommand(1);
  app->get_formatter()->column_width(36);
  app->footer(
      "Every option also works with '_' for '-'.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 75 stopped by a signal: start it again with --resume.");
  AddSynthesizeCommand(app, action);
  AddPreprocessCommand(app, action);
  AddTrainCommand(app, action);
  AddEvaluateCommand(app, action);
  AddPredictCommand(app, action);
  AddCompareCommand(app, action);
  AddRankCommand(app, action);
  AddRunCommand(app, action);
  for (CLI::App* const command : app->get_subcommands({})) {
    command->add_flag("--json", *json, "Print one JSON object a line on standard output");
  }
}

// Help goes to standard output; an error is one line that says where the help is.
int EndParsing(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  std::string command = "deepbindnet-worker";
  for (const CLI::App* const given : app.get_subcommands()) absl::StrAppend(&command, " ", given->get_name());
  const std::string message = absl::StrReplaceAll(error.what(), {{"\n", " "}});
  std::cerr << "deepbindnet-worker: " << message << "; see " << command << " --help" << std::endl;
  return kWrongUsage;
}

int Main(int argc, char** argv) {
  bool json = false;
  Action action;
  CLI::App app("Prepares data, trains, measures, predicts with and compares drug-target affinity models.",
               "deepbindnet-worker");
  AddCommands(&app, &json, &action);
  try {
    const std::vector<std::string> arguments = NormalizeOptionNames(std::vector<std::string>(argv + 1, argv + argc));
    // CLI11 takes the arguments from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return EndParsing(app, error);
  }
  SetComputeThreads(0);
  Console console(json);
  try {
    return action(&console);
  } catch (const std::exception& error) {
    return console.Fail(absl::InternalError(error.what()));
  }
}

}  // namespace
}  // namespace deepbindnet

int main(int argc, char** argv) {
  deepbindnet::PrepareProcess(argc, argv);
  signal(SIGPIPE, SIG_IGN);  // A reader that goes shows as an error of the write.
  return deepbindnet::Main(argc, argv);
}
