// The worker's subcommands. Each function adds one to `app`; where it is the one given, `*action` is what to run.
#ifndef DEEPBINDNET_SERVER_WORKER_COMMANDS_H_
#define DEEPBINDNET_SERVER_WORKER_COMMANDS_H_

#include <functional>

#include "CLI/CLI.hpp"
#include "server/worker/console.h"

namespace deepbindnet {

// What a subcommand does once its options are read; returns the exit code.
using Action = std::function<int(Console* console)>;

void AddSynthesizeCommand(CLI::App* app, Action* action);
void AddPreprocessCommand(CLI::App* app, Action* action);
void AddTrainCommand(CLI::App* app, Action* action);
void AddEvaluateCommand(CLI::App* app, Action* action);
void AddPredictCommand(CLI::App* app, Action* action);
void AddCompareCommand(CLI::App* app, Action* action);
void AddRankCommand(CLI::App* app, Action* action);
void AddRunCommand(CLI::App* app, Action* action);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_COMMANDS_H_
