#include "client/session.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace deepbindnet::client {

absl::Status Session::Connect() {
  DBN_CLIENT_ASSIGN_OR_RETURN(connection_, Connection::Open(connection_options_, interrupt_));
  return absl::OkStatus();
}

std::string Session::CommandLine(absl::string_view rest) const {
  const std::string server = connection_options_.server == ConnectionOptions().server
                                 ? ""
                                 : absl::StrCat("--server ", connection_options_.server, " ");
  return absl::StrCat("deepbindnet ", server, rest);
}

std::string MakeRequestId() {
  std::random_device random;
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%08x%04x", random(), random() & 0xffff, random() & 0xfff,
                         (random() & 0x3fff) | 0x8000, random(), random() & 0xffff);
}

}  // namespace deepbindnet::client
