// `completion`, which prints the script of a shell, and the hidden command that the scripts ask.
#ifndef DEEPBINDNET_CLIENT_COMPLETION_COMMAND_H_
#define DEEPBINDNET_CLIENT_COMPLETION_COMMAND_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "client/commands.h"

namespace deepbindnet::client {

// First word of the hidden command line; the words to complete follow.
inline constexpr char kCompleteCommand[] = "__complete";

// `completion SHELL`; `action` needs no connection.
void AddCompletionCommand(CLI::App* app, Action* action);

// Prints a line for each candidate for the last of `words`: the word and, after a tab, what it is; or ":files" or
// ":directories" alone where the shell knows better. Candidates from the server are left out where it does not answer
// soon; no error is shown.
void PrintCompletion(const std::vector<std::string>& words, CLI::App* app, Session* session);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_COMPLETION_COMMAND_H_
