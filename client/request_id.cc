#include "client/request_id.h"

#include <random>

#include "absl/strings/str_format.h"

namespace deepbindnet::client {

std::string MakeRequestId() {
  std::random_device random;
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%08x%04x", random(), random() & 0xffff, random() & 0xfff,
                         (random() & 0x3fff) | 0x8000, random(), random() & 0xffff);
}

}  // namespace deepbindnet::client
