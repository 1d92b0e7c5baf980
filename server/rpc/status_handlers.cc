#include "absl/time/clock.h"
#include "core/base/file.h"
#include "server/jobs/clock.h"
#include "server/logging/logging.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"

namespace deepbindnet {
namespace {

const std::string& LevelName(LogLevel level) { return LogLevelNames()[static_cast<size_t>(level)]; }

}  // namespace

grpc::ServerUnaryReactor* Service::GetServerStatus(grpc::CallbackServerContext* context,
                                                   const v1::GetServerStatusRequest* /*request*/,
                                                   v1::ServerStatus* response) {
  return Run(*context, "GetServerStatus", "", [this, response](CallRecord* call) -> absl::Status {
    response->set_version(deps_.version);
    *response->mutable_start_time() = ToTimestamp(deps_.start_time);
    const absl::Duration uptime = absl::Now() - deps_.start_time;
    absl::Duration rest;
    response->mutable_uptime()->set_seconds(absl::IDivDuration(uptime, absl::Seconds(1), &rest));
    response->mutable_uptime()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
    for (const std::string& device : deps_.devices) response->add_devices(device);
    const JobEngine::Counts counts = deps_.engine->counts();
    response->set_jobs_queued(static_cast<uint32_t>(counts.queued));
    response->set_jobs_running(static_cast<uint32_t>(counts.running));
    response->set_jobs_paused(static_cast<uint32_t>(counts.paused));
    for (v1::DeviceSlot& slot : deps_.engine->slots()) *response->add_slots() = std::move(slot);
    for (const std::string& name : deps_.models->LoadedNames()) response->add_loaded_models(name);
    response->set_draining(is_draining_.load());
    response->set_disk_free_bytes(FreeBytes(deps_.layout.data_dir));
    response->set_log_level(LevelName(GetLogLevel()));
    response->set_tls(deps_.tls);
    response->set_caller(call->caller.name);
    response->set_caller_role(call->caller.role);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* Service::SetLogLevel(grpc::CallbackServerContext* context,
                                               const v1::SetLogLevelRequest* request,
                                               v1::SetLogLevelResponse* response) {
  return Run(*context, "SetLogLevel", request->level(), [request, response](CallRecord*) -> absl::Status {
    DBN_ASSIGN_OR_RETURN(const LogLevel level, ParseLogLevel("level", request->level()));
    response->set_previous_level(LevelName(GetLogLevel()));
    deepbindnet::SetLogLevel(level);
    return absl::OkStatus();
  });
}

}  // namespace deepbindnet
