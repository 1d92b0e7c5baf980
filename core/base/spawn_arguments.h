// What posix_spawn(3) wants: an environment and arguments as arrays of pointers.
#ifndef DEEPBINDNET_CORE_BASE_SPAWN_ARGUMENTS_H_
#define DEEPBINDNET_CORE_BASE_SPAWN_ARGUMENTS_H_

#include <map>
#include <string>
#include <vector>

namespace deepbindnet {

// This process's environment with these variables, "NAME=value" each.
std::vector<std::string> EnvironmentWith(const std::map<std::string, std::string>& variables);

// To each of them, and a null at the end. Valid while `strings` is not changed.
std::vector<char*> NullTerminated(std::vector<std::string>* strings);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_SPAWN_ARGUMENTS_H_
