// Where exceptions, ours never, become Status.
#ifndef DEEPBINDNET_CORE_BASE_EXCEPTIONS_H_
#define DEEPBINDNET_CORE_BASE_EXCEPTIONS_H_

#include <exception>
#include <new>

#include "core/base/status.h"

namespace deepbindnet {

// RESOURCE_EXHAUSTED for out of memory, INTERNAL for the rest, with the first line of the message.
inline absl::Status FromException(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return WithReason(absl::ResourceExhaustedError("out of memory; try again later"), "OUT_OF_MEMORY");
  }
  const absl::string_view text = error.what();
  return absl::InternalError(text.substr(0, text.find('\n')));
}

// Runs `body`, which returns a Status or StatusOr, and returns what it returns or what an exception becomes.
template <typename Body>
auto CatchAll(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return FromException(error);
  } catch (...) {
    return absl::InternalError("unknown exception");
  }
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_EXCEPTIONS_H_
