// Errors: absl::Status everywhere, with a machine-readable reason as a payload.
#ifndef DEEPBINDNET_CORE_BASE_STATUS_H_
#define DEEPBINDNET_CORE_BASE_STATUS_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deepbindnet {

// Names and values that an error concerns, for example {{"dataset", "kiba"}}.
using ErrorMetadata = std::map<std::string, std::string>;

// Returns `status` with a reason in UPPER_SNAKE_CASE for programs, replacing an earlier one. OK is returned unchanged.
absl::Status WithReason(absl::Status status, absl::string_view reason, const ErrorMetadata& metadata = {});

// The reason that WithReason() attached; else the name of the status code, for example "NOT_FOUND".
std::string GetReason(const absl::Status& status);

// The metadata that WithReason() attached; else empty.
ErrorMetadata GetErrorMetadata(const absl::Status& status);

// INVALID_ARGUMENT with the message "<field>: <value> <remedy>", reason INVALID_FIELD and metadata {field, value}.
// `remedy` says what is wrong and what would be right, for example "is not in (0, 1]; give a positive learning rate".
absl::Status InvalidField(absl::string_view field, absl::string_view value, absl::string_view remedy);

// Returns `status` with "<context>: " before its message; payloads stay. OK is returned unchanged.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace deepbindnet

#define DBN_CONCAT_INNER(a, b) a##b
#define DBN_CONCAT(a, b) DBN_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` is an error.
#define DBN_RETURN_IF_ERROR(expression)                                              \
  do {                                                                               \
    if (absl::Status dbn_status = (expression); !dbn_status.ok()) return dbn_status; \
  } while (false)

// Assigns the value of a StatusOr to `target`, or returns its error: DBN_ASSIGN_OR_RETURN(auto x, MakeX());
#define DBN_ASSIGN_OR_RETURN(target, expression) \
  DBN_ASSIGN_OR_RETURN_INNER(DBN_CONCAT(dbn_or_, __LINE__), target, expression)
#define DBN_ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                                  \
  if (!result.ok()) return result.status();                    \
  target = std::move(result).value()

#endif  // DEEPBINDNET_CORE_BASE_STATUS_H_
