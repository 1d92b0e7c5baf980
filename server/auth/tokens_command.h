// The operator's subcommand `tokens`: add, list and remove tokens in the server's file of them.
#ifndef DEEPBINDNET_SERVER_AUTH_TOKENS_COMMAND_H_
#define DEEPBINDNET_SERVER_AUTH_TOKENS_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <iosfwd>

namespace deepbindnet {

// Adds `tokens` with its own subcommands to `app`. Where one of them is given, parsing sets `*action` to what is to
// run: results go to `out`, all else to `err`, and it returns the exit code, 0 done, 1 failed, 2 wrong usage. `out`,
// `err` and `action` must outlive the action.
void AddTokensCommand(CLI::App* app, std::ostream* out, std::ostream* err, std::function<int()>* action);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_AUTH_TOKENS_COMMAND_H_
