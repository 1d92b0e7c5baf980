// A JSON object whose members are all texts, in the order of the file.
#ifndef DEEPBINDNET_CORE_CSV_JSON_TEXTS_H_
#define DEEPBINDNET_CORE_CSV_JSON_TEXTS_H_

#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

// Names and texts. Python's json and most other readers keep this order too.
using JsonTexts = std::vector<std::pair<std::string, std::string>>;

// INVALID_ARGUMENT, without a file's name, where `json` is no object, a member is no text, a name stands twice, or
// there is no member at all. Needs memory in proportion to `json`.
absl::StatusOr<JsonTexts> ParseJsonTexts(const std::string& json);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_CSV_JSON_TEXTS_H_
