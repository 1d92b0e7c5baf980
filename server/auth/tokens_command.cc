#include "server/auth/tokens_command.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "server/auth/roles.h"
#include "server/auth/token_file.h"

namespace deepbindnet {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr char kReloadHint[] = "A running server takes the change at SIGHUP, for example kill -HUP PID.\n";

struct Options {
  std::string tokens_file;
  std::string name;
  std::string role;
  std::string expires;
};

struct Streams {
  std::ostream* out;
  std::ostream* err;
};

int Fail(const absl::Status& status, int code, const Streams& streams) {
  *streams.err << "error: " << status.message() << std::endl;
  return code;
}

// All but the hash.
absl::StatusOr<TokenEntry> ToEntry(const Options& options) {
  TokenEntry entry;
  DBN_RETURN_IF_ERROR(CheckTokenName("--name", options.name));
  entry.name = options.name;
  DBN_ASSIGN_OR_RETURN(entry.role, ParseRole("--role", options.role));
  if (options.expires.empty()) return entry;
  DBN_ASSIGN_OR_RETURN(entry.expires, ParseExpiry("--expires", options.expires));
  if (!IsExpired(entry, absl::Now())) return entry;
  return InvalidField("--expires", options.expires, "has come already; give a later day (UTC)");
}

int Add(const Options& options, const Streams& streams) {
  absl::StatusOr<TokenEntry> entry = ToEntry(options);
  if (!entry.ok()) return Fail(entry.status(), kWrongUsage, streams);
  const absl::StatusOr<std::string> token = NewToken();
  if (!token.ok()) return Fail(token.status(), kFailed, streams);
  entry->sha256 = HashToken(*token);
  const absl::Status added = AddToken(options.tokens_file, *entry);
  if (!added.ok()) return Fail(added, kFailed, streams);
  *streams.out << *token << std::endl;
  if (!*streams.out) {
    return Fail(absl::DataLossError("the token could not be printed; remove " + entry->name + " and add it again"),
                kFailed, streams);
  }
  *streams.err << "This is the token of " << entry->name << ", " << RoleName(entry->role)
               << ". It is shown only now: the file has its SHA-256 alone.\n"
               << kReloadHint << std::flush;
  return kDone;
}

int List(const Options& options, const Streams& streams) {
  const absl::StatusOr<std::vector<TokenEntry>> entries = ReadTokens(options.tokens_file);
  if (!entries.ok()) return Fail(entries.status(), kFailed, streams);
  size_t width = sizeof("NAME") - 1;
  for (const TokenEntry& entry : *entries) width = std::max(width, entry.name.size());
  const auto line = [&](absl::string_view name, absl::string_view role, absl::string_view expires) {
    *streams.out << absl::StrFormat("%-*s  %-9s  %s\n", static_cast<int>(width), name, role, expires);
  };
  line("NAME", "ROLE", "EXPIRES");
  const absl::Time now = absl::Now();
  for (const TokenEntry& entry : *entries) {
    const std::string expires = entry.expires.has_value() ? absl::FormatCivilTime(*entry.expires) : "never";
    line(entry.name, RoleName(entry.role), IsExpired(entry, now) ? expires + " (expired)" : expires);
  }
  *streams.out << std::flush;
  return kDone;
}

int Remove(const Options& options, const Streams& streams) {
  const absl::Status removed = RemoveToken(options.tokens_file, options.name);
  if (!removed.ok()) return Fail(removed, kFailed, streams);
  *streams.err << "The token of " << options.name << " is removed.\n" << kReloadHint << std::flush;
  return kDone;
}

using Command = int(const Options& options, const Streams& streams);

}  // namespace

void AddTokensCommand(CLI::App* app, std::ostream* out, std::ostream* err, std::function<int()>* action) {
  CLI::App* const tokens = app->add_subcommand("tokens", "Add, list and remove the tokens that callers need");
  tokens->require_subcommand(1);
  tokens->footer(
      "The file has a line for each token: NAME ROLE SHA256 [EXPIRES], '#' begins a comment. A server that was "
      "started\n"
      "with it reads it again at SIGHUP.");
  const auto options = std::make_shared<Options>();
  const auto add_command = [=](const char* name, const char* description, Command* run) {
    CLI::App* const command = tokens->add_subcommand(name, description);
    command->add_option("--tokens-file", options->tokens_file, "File of tokens (no default)")
        ->envname("DEEPBINDNET_TOKENS_FILE")
        ->type_name("FILE")
        ->required();
    command->callback([=] { *action = [=] { return run(*options, Streams{out, err}); }; });
    return command;
  };
  const auto add_name = [options](CLI::App* command, const char* description) {
    command->add_option("--name", options->name, description)->type_name("NAME")->required();
  };
  CLI::App* const add =
      add_command("add", "Make a token, print it once, and add it to the file, which is made where missing", &Add);
  add_name(add, "Whose token: 1 to 64 letters, digits, '.', '_' and '-'; once in the file (no default)");
  add->add_option("--role", options->role,
                  "viewer: look, download, predict; submitter: also jobs, its own; admin: everything (no default)")
      ->type_name("ROLE")
      ->required();
  add->add_option("--expires", options->expires, "First day (UTC) on which it is no longer valid (default: never)")
      ->type_name("YYYY-MM-DD");
  add_command("list", "Print name, role and expiry of each token", &List);
  add_name(add_command("remove", "Remove a token from the file", &Remove), "Whose token, as listed (no default)");
}

}  // namespace deepbindnet
