// server status
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands.h"
#include "client/format.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

absl::Status Status(Session* session) {
  CLIENT_ASSIGN_OR_RETURN(
      const v1::ServerStatus status,
      session->connection()->Call(&v1::DeepBindNet::StubInterface::GetServerStatus, v1::GetServerStatusRequest()));
  Console* console = session->console();
  console->Json(ToJson(status));
  console->Line(absl::StrCat("server   ", session->connection()->options().server, ", version ", status.version(),
                             status.draining() ? ", draining" : ""));
  console->Line(absl::StrCat("up       ", FormatSeconds(ToSeconds(status.uptime())), " since ",
                             FormatTime(status.start_time()), " UTC"));
  console->Line(absl::StrCat("devices  ", absl::StrJoin(status.devices(), ", ")));
  console->Line(absl::StrCat("jobs     ", status.jobs_running(), " running, ", status.jobs_queued(), " queued"));
  console->Line(absl::StrCat(
      "models   ", status.loaded_models_size(), " loaded",
      status.loaded_models_size() > 0 ? absl::StrCat(": ", absl::StrJoin(status.loaded_models(), ", ")) : ""));
  return absl::OkStatus();
}

}  // namespace

void AddServerCommands(CLI::App* app, Action* action) {
  CLI::App* server = app->add_subcommand("server", "Look at the server")->fallthrough()->require_subcommand(1);
  server->add_subcommand("status", "Version, devices, queue and loaded models")->fallthrough()->callback([=] {
    *action = Status;
  });
}

}  // namespace deepbindnet::client
