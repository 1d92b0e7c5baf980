// Command-line options in the product's two spellings: --split-column and --split_column.
#ifndef DEEPBINDNET_SERVER_WORKER_OPTIONS_H_
#define DEEPBINDNET_SERVER_WORKER_OPTIONS_H_

#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/string_view.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/worker/console.h"

namespace deepbindnet {

// What a subcommand does once its options are read; returns the exit code.
using Action = std::function<int(Console* console)>;

// Names of an option for CLI11: `name` as it is written, then its other spelling where there is one.
std::string Spellings(absl::string_view name);

// Adds an option that stores into the field `field` of `message` (a count, number, truth value, text or an enum by its
// name in lower case). `help` gives meaning, unit, range and default. `name` is the option's; a value that cannot be
// read as the field's type ends the parsing with an error that names the option. A truth value may stand alone.
// `message` outlives the parsing.
CLI::Option* AddField(CLI::App* app, absl::string_view name, google::protobuf::Message* message,
                      const std::string& field, const std::string& help);

// An option for every field of TrainingOptions, set only where it is given.
void AddTrainingOptions(CLI::App* app, v1::TrainingOptions* options);

// The options of preprocess: split, affinity column and unit, rejected rows.
void AddPrepareOptions(CLI::App* app, v1::PrepareDatasetSpec* spec);

// Shows an option's first spelling only.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_OPTIONS_H_
