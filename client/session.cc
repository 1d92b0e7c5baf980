#include "client/session.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/credentials.h"

namespace deepbindnet::client {

absl::Status Session::Connect() {
  CLIENT_ASSIGN_OR_RETURN(connection_, Connection::Open(connection_options_, interrupt_));
  const std::string& token_file = connection_options_.token_file;
  if (!token_file.empty() && OthersMayRead(token_file)) {
    console_->Warning(absl::StrCat("--token-file: every user of this machine can read ", token_file,
                                   "; take that away with: chmod 600 ", QuoteForShell(token_file)));
  }
  return absl::OkStatus();
}

std::string Session::CommandLine(const std::vector<std::string>& words) const {
  const ConnectionOptions& options = connection_options_;
  std::vector<std::string> line = {"deepbindnet"};
  // DEEPBINDNET_SERVER would win over a server that is not named.
  if (options.server != ConnectionOptions().server || std::getenv("DEEPBINDNET_SERVER") != nullptr) {
    line.insert(line.end(), {"--server", options.server});
  }
  if (options.tls) line.push_back("--tls");
  for (const auto& [option, value] : {std::pair("--tls-ca", &options.tls_ca),
                                      {"--tls-cert", &options.tls_cert},
                                      {"--tls-key", &options.tls_key},
                                      {"--tls-server-name", &options.tls_server_name},
                                      {"--token-file", &options.token_file}}) {
    if (!value->empty()) line.insert(line.end(), {option, *value});
  }
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

}  // namespace deepbindnet::client
