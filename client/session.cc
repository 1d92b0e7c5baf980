#include "client/session.h"

#include <algorithm>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace deepbindnet::client {

absl::Status Session::Connect() {
  CLIENT_ASSIGN_OR_RETURN(connection_, Connection::Open(connection_options_, interrupt_));
  return absl::OkStatus();
}

std::string Session::CommandLine(const std::vector<std::string>& words) const {
  const ConnectionOptions& options = connection_options_;
  std::vector<std::string> line = {"deepbindnet"};
  if (options.server != ConnectionOptions().server) line.insert(line.end(), {"--server", options.server});
  if (options.tls) line.push_back("--tls");
  if (!options.tls_ca.empty()) line.insert(line.end(), {"--tls-ca", options.tls_ca});
  if (!options.token_file.empty()) line.insert(line.end(), {"--token-file", options.token_file});
  if (options.insecure) line.push_back("--insecure");
  line.insert(line.end(), words.begin(), words.end());
  return absl::StrJoin(line, " ", [](std::string* out, const std::string& word) { out->append(QuoteForShell(word)); });
}

std::string QuoteForShell(absl::string_view word) {
  const bool is_plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("_-./:,=@%+", c);
  });
  return is_plain ? std::string(word) : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string MakeRequestId() {
  std::random_device random;
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%08x%04x", random(), random() & 0xffff, random() & 0xfff,
                         (random() & 0x3fff) | 0x8000, random(), random() & 0xffff);
}

}  // namespace deepbindnet::client
