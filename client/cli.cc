#include "client/cli.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/commands.h"
#include "client/completion_command.h"
#include "client/session.h"
#include "proto/flags/option_names.h"

namespace deepbindnet::client {
namespace {

constexpr char kFooter[] =
    "Every option also works with '_' for '-'.\n"
    "Exit codes: 0 done, 1 the job failed or the call was refused, 2 wrong usage, 3 server not reachable,\n"
    "130 interrupted (what the server runs goes on).";

CLI::Validator AtLeastOrInf(int least) {
  const auto check = [number = AtLeast(least)](const std::string& text) {
    return absl::AsciiStrToLower(text) == "inf" ? std::string() : number(text);
  };
  return CLI::Validator(check, "");
}

void AddGlobalOptions(CLI::App* app, ConnectionOptions* options, bool* json) {
  app->add_option("--server", options->server, "HOST:PORT of the server [127.0.0.1:50051]")
      ->envname("DEEPBINDNET_SERVER");
  app->add_flag("--tls", options->tls, "Encrypt, and check the server against the system's authorities")
      ->envname("DEEPBINDNET_TLS");
  app->add_option("--tls-ca", options->tls_ca, "PEM file of authorities to check it against instead; implies --tls")
      ->type_name("FILE")
      ->envname("DEEPBINDNET_TLS_CA");
  app->add_option("--tls-cert", options->tls_cert,
                  "PEM file of the certificate that says who you are; needs --tls-key and implies --tls")
      ->type_name("FILE")
      ->envname("DEEPBINDNET_TLS_CERT");
  app->add_option("--tls-key", options->tls_key, "PEM file of its private key, without a passphrase")
      ->type_name("FILE")
      ->envname("DEEPBINDNET_TLS_KEY");
  app->add_option("--tls-server-name", options->tls_server_name,
                  "Name that the server's certificate must have, for a server that is reached by another; implies "
                  "--tls [the host of --server]")
      ->type_name("NAME")
      ->envname("DEEPBINDNET_TLS_SERVER_NAME");
  app->add_option("--token-file", options->token_file, "File whose first line is sent as a bearer token")
      ->type_name("FILE")
      ->envname("DEEPBINDNET_TOKEN_FILE");
  app->add_flag("--insecure", options->insecure, "Allow a token without TLS beyond this machine");
  app->add_flag("--json", *json, "One JSON object a line on standard output");
  app->add_option("--timeout", options->timeout_seconds, "Seconds to wait for an answer, 0 or more; 0 for ever [120]")
      ->check(AtLeast(0));
  app->add_option("--reconnect-timeout", options->reconnect_timeout_seconds,
                  "Seconds to look for a server that went away, 0 or more; 0 gives up at once, inf never [60]")
      ->check(AtLeastOrInf(0));
}

bool IsUtf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

// Before parsing, so that a command line that cannot be parsed is refused in the mode it asks for.
bool AsksForJson(const std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, "--json") != end;
}

// The innermost command that was named, for "see ... --help".
std::string CommandName(const CLI::App& app) {
  const std::vector<CLI::App*> named = app.get_subcommands();
  return named.empty() ? app.get_name() : absl::StrCat(app.get_name(), " ", CommandName(*named[0]));
}

ExitCode Report(const absl::Status& status, Console* console) {
  const ExitCode code = GetExitCode(status);
  if (code == ExitCode::kInterrupted) {
    console->Note(ErrorLine(status));
    console->Json({{"type", "interrupted"}, {"message", ErrorLine(status)}});
  } else if (!status.ok()) {
    console->Error(status);
  }
  return code;
}

}  // namespace

CLI::Validator AtLeast(int least) {
  const auto check = [least](const std::string& text) {
    double value;
    const bool fits = absl::SimpleAtod(text, &value) && std::isfinite(value) && value >= least;
    return fits ? std::string() : absl::StrCat("'", text, "' is not a number of ", least, " or more");
  };
  return CLI::Validator(check, "");
}

ExitCode RunCli(const std::vector<std::string>& arguments, Console* console, Interrupt* interrupt) {
  CLI::App app("Train and serve drug-target affinity models on a DeepBindNet server", "deepbindnet");
  app.set_version_flag("--version", DEEPBINDNET_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  Session session(console, interrupt);
  bool json = false;
  AddGlobalOptions(&app, session.mutable_connection_options(), &json);
  Action action;
  Action local_action;  // Of a command that needs no server.
  AddDatasetsCommands(&app, &action);
  AddTrainCommand(&app, &action);
  AddJobsCommands(&app, &action);
  AddModelsCommands(&app, &action);
  AddPredictCommand(&app, &action);
  AddCompareCommand(&app, &action);
  AddServerCommands(&app, &action);
  AddCompletionCommand(&app, &local_action);
  if (!arguments.empty() && arguments[0] == kCompleteCommand) {
    PrintCompletion({arguments.begin() + 1, arguments.end()}, &app, &session);
    return ExitCode::kDone;
  }

  const ConsoleMode text_mode = console->mode();
  if (AsksForJson(arguments)) console->set_mode(ConsoleMode::kJson);
  for (const std::string& argument : arguments) {
    if (!IsUtf8(argument)) return Report(UsageError("the command line has bytes that are not UTF-8"), console);
  }
  try {
    std::vector<std::string> reversed = NormalizeOptionNames(arguments);
    std::reverse(reversed.begin(), reversed.end());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    console->set_mode(text_mode);
    console->Line(app.help());
    return ExitCode::kDone;
  } catch (const CLI::CallForVersion& version) {
    console->set_mode(text_mode);
    console->Line(version.what());
    return ExitCode::kDone;
  } catch (const CLI::ParseError& error) {
    return Report(UsageError(absl::StrCat(error.what(), " (see '", CommandName(app), " --help')")), console);
  }
  console->set_mode(json ? ConsoleMode::kJson : text_mode);
  if (local_action) return Report(local_action(&session), console);
  const absl::Status status = session.Connect();
  return Report(status.ok() ? action(&session) : status, console);
}

}  // namespace deepbindnet::client
