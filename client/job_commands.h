// The parts of `jobs`, a file for each.
#ifndef DEEPBINDNET_CLIENT_JOB_COMMANDS_H_
#define DEEPBINDNET_CLIENT_JOB_COMMANDS_H_

#include <CLI/App.hpp>
#include <string>

#include "client/commands.h"

namespace deepbindnet::client {

// Adds a command with a required JOB argument.
CLI::App* AddJobCommand(CLI::App* jobs, const char* name, const char* help, std::string* id);

void AddJobListCommand(CLI::App* jobs, Action* action);
void AddJobStatusCommand(CLI::App* jobs, Action* action);
void AddJobControlCommands(CLI::App* jobs, Action* action);  // pause, resume, cancel, delete

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_JOB_COMMANDS_H_
