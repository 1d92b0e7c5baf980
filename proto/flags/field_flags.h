// Command-line options that set a field of a request each, as tables.
#ifndef DEEPBINDNET_PROTO_FLAGS_FIELD_FLAGS_H_
#define DEEPBINDNET_PROTO_FLAGS_FIELD_FLAGS_H_

#include <google/protobuf/message.h>

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace deepbindnet {

struct FieldFlag {
  const char* flag;   // Without dashes, in hyphen form.
  const char* field;  // Path in the message, for example "split.test_size".
  const char* help;   // What, unit, range and default.
};

// Every field of v1::TrainingOptions.
const std::vector<FieldFlag>& TrainingFlags();

// The fields of v1::PrepareDatasetSpec that a user sets, without the data set's name.
const std::vector<FieldFlag>& DatasetFlags();

// Sets the field at `path` from text: a number, "true" or "false", a string, or an enum value's name in lower case and
// without the words in which all of the enum's values end ("higher" for HIGHER_BINDS_TIGHTER beside
// LOWER_BINDS_TIGHTER). INVALID_ARGUMENT says what the field takes; ranges are not checked here.
absl::Status SetField(google::protobuf::Message* message, const std::string& path, const std::string& text);

// Adds an option for every row to `app`; a field whose option is not given stays unset. A boolean's option means
// true where no value follows. `message` must outlive parsing.
void AddFieldFlags(const std::vector<FieldFlag>& flags, const std::string& group, google::protobuf::Message* message,
                   CLI::App* app);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_PROTO_FLAGS_FIELD_FLAGS_H_
