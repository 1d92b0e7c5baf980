// The commands, a file for each group. Each function adds its commands to `app`; parsing sets `*action` to what the
// chosen one does once the session is connected.
#ifndef DEEPBINDNET_CLIENT_COMMANDS_H_
#define DEEPBINDNET_CLIENT_COMMANDS_H_

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <functional>

#include "absl/status/status.h"
#include "client/session.h"

namespace deepbindnet::client {

// Refuses what is not a number of `least` or more. CLI11's own checks show a largest number of 300 digits, and unsigned
// options take "-1" as a very large number.
CLI::Validator AtLeast(int least);

using Action = std::function<absl::Status(Session*)>;

void AddDatasetsCommands(CLI::App* app, Action* action);
void AddTrainCommand(CLI::App* app, Action* action);
void AddJobsCommands(CLI::App* app, Action* action);
void AddModelsCommands(CLI::App* app, Action* action);
void AddPredictCommand(CLI::App* app, Action* action);
void AddCompareCommand(CLI::App* app, Action* action);
void AddServerCommands(CLI::App* app, Action* action);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_COMMANDS_H_
