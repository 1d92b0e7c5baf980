// The error of an enum's value that a newer client sent.
#ifndef DEEPBINDNET_SERVER_CONVERT_UNKNOWN_ENUM_H_
#define DEEPBINDNET_SERVER_CONVERT_UNKNOWN_ENUM_H_

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status.h"

namespace deepbindnet {

inline absl::Status UnknownEnum(absl::string_view field, int value) {
  return InvalidField(field, absl::StrCat(value), "is no value that this version knows");
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_CONVERT_UNKNOWN_ENUM_H_
