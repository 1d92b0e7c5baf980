// Deletion of data sets, models and jobs. It is final: a person confirms it, and a script says --yes.
#ifndef DEEPBINDNET_CLIENT_DELETION_H_
#define DEEPBINDNET_CLIENT_DELETION_H_

#include <CLI/App.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/session.h"

namespace deepbindnet::client {

struct DeleteArguments {
  std::vector<std::string> names;
  bool yes = false;
};

// What a name stands for.
struct Deletable {
  std::string what;             // "data set kiba", "job 17 (training m)"
  nlohmann::ordered_json json;  // What the line about its deletion says of it, for example {"dataset": "kiba"}.
  std::function<absl::Status()> remove;  // Calls the server once.
};

// Adds `delete` with its options to `group`; `type_name` is that of a name, as "DATASET", for help and completion.
CLI::App* AddDeleteCommand(const char* type_name, const char* help, const char* name_help, DeleteArguments* arguments,
                           CLI::App* group);

// Finds, asks for and removes one name after the other. Stops at the first error, which says what was deleted before
// it.
absl::Status DeleteEach(const DeleteArguments& arguments,
                        const std::function<absl::StatusOr<Deletable>(const std::string& name)>& find,
                        Session* session);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_DELETION_H_
