// What a shell runs to ask for candidates. The scripts know nothing of the commands, so that they never grow old.
#ifndef DEEPBINDNET_CLIENT_COMPLETION_SCRIPTS_H_
#define DEEPBINDNET_CLIENT_COMPLETION_SCRIPTS_H_

#include <map>
#include <string>

namespace deepbindnet::client {

// By shell: bash, fish, zsh.
const std::map<std::string, std::string>& CompletionScripts();

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_COMPLETION_SCRIPTS_H_
