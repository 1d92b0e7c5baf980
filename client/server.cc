// server status|log-level
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands.h"
#include "client/format.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

constexpr const char* kLogLevels[] = {"debug", "info", "warning", "error"};

std::string DescribeSlots(const v1::ServerStatus& status) {
  return absl::StrJoin(status.slots(), ", ", [](std::string* text, const v1::DeviceSlot& slot) {
    absl::StrAppend(text, slot.name(), slot.job().empty() ? " free" : absl::StrCat(" job ", slot.job()));
  });
}

std::string DescribeCaller(const v1::ServerStatus& status) {
  if (status.caller().empty()) return "anyone; this server asks for no token";
  return absl::StrCat(status.caller(), ", ", absl::AsciiStrToLower(v1::Role_Name(status.caller_role())));
}

absl::Status Status(Session* session) {
  CLIENT_ASSIGN_OR_RETURN(const v1::ServerStatus status,
                          session->connection()->Call(&Stub::GetServerStatus, v1::GetServerStatusRequest()));
  Console* console = session->console();
  console->Json(ToJson(status));
  console->Line(absl::StrCat("server   ", session->connection()->options().server, ", version ", status.version(),
                             status.tls() ? ", TLS" : ", no TLS", status.draining() ? ", draining" : ""));
  console->Line(absl::StrCat("up       ", FormatSeconds(ToSeconds(status.uptime())), " since ",
                             FormatTime(status.start_time()), " UTC"));
  console->Line(absl::StrCat("you      ", DescribeCaller(status)));
  console->Line(absl::StrCat("devices  ", absl::StrJoin(status.devices(), ", ")));
  if (status.slots_size() > 0) console->Line(absl::StrCat("slots    ", DescribeSlots(status)));
  console->Line(absl::StrCat("jobs     ", status.jobs_running(), " running, ", status.jobs_queued(), " queued, ",
                             status.jobs_paused(), " paused"));
  console->Line(absl::StrCat(
      "models   ", status.loaded_models_size(), " loaded",
      status.loaded_models_size() > 0 ? absl::StrCat(": ", absl::StrJoin(status.loaded_models(), ", ")) : ""));
  console->Line(absl::StrCat("disk     ", FormatBytes(static_cast<double>(status.disk_free_bytes())), " free"));
  console->Line(absl::StrCat("logs     ", status.log_level()));
  return absl::OkStatus();
}

absl::Status SetLogLevel(const std::string& level, Session* session) {
  v1::SetLogLevelRequest request;
  request.set_level(level);
  CLIENT_ASSIGN_OR_RETURN(const v1::SetLogLevelResponse response,
                          session->connection()->Call(&Stub::SetLogLevel, request));
  session->console()->Json({{"type", "log_level"}, {"level", level}, {"previous_level", response.previous_level()}});
  session->console()->Line(absl::StrCat("logs ", level, " until its next start (was ", response.previous_level(), ")"));
  return absl::OkStatus();
}

void AddLogLevelCommand(CLI::App* server, Action* action) {
  CLI::App* log_level =
      server->add_subcommand("log-level", "Set the least that the server logs, until its next start")->fallthrough();
  auto level = std::make_shared<std::string>();
  const std::string choices = absl::StrJoin(kLogLevels, "|");
  log_level->add_option("level", *level, "The least that is logged")
      ->required()
      ->type_name(choices)
      ->check(CLI::Validator(
          [=](const std::string& text) {
            const bool known = std::find(std::begin(kLogLevels), std::end(kLogLevels), text) != std::end(kLogLevels);
            return known ? std::string() : absl::StrCat("'", text, "' is not one of ", choices);
          },
          ""));
  log_level->callback([=] { *action = [=](Session* session) { return SetLogLevel(*level, session); }; });
}

}  // namespace

void AddServerCommands(CLI::App* app, Action* action) {
  CLI::App* server =
      app->add_subcommand("server", "Look at the server, and set what it logs")->fallthrough()->require_subcommand(1);
  server->add_subcommand("status", "Version, who you are, devices, queue, loaded models, disk and log level")
      ->fallthrough()
      ->callback([=] { *action = Status; });
  AddLogLevelCommand(server, action);
}

}  // namespace deepbindnet::client
