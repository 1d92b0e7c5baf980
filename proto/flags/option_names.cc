#include "proto/flags/option_names.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace deepbindnet {

std::vector<std::string> NormalizeOptionNames(std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    if (!absl::StartsWith(argument, "--")) continue;
    std::replace(argument.begin(), std::find(argument.begin(), argument.end(), '='), '_', '-');
  }
  return arguments;
}

}  // namespace deepbindnet
