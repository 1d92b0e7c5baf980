// Messages as the database keeps them.
#ifndef DEEPBINDNET_SERVER_STORE_STORED_MESSAGE_H_
#define DEEPBINDNET_SERVER_STORE_STORED_MESSAGE_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace deepbindnet {

// DATA_LOSS, reason DATABASE_DAMAGED, where `bytes` are no `Message`.
template <typename Message>
absl::StatusOr<Message> ParseStored(const std::string& bytes) {
  Message message;
  if (message.ParseFromString(bytes)) return message;
  return WithReason(
      absl::DataLossError(absl::StrCat("the database holds a ", message.GetTypeName(), " that cannot be read")),
      "DATABASE_DAMAGED");
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_STORED_MESSAGE_H_
