#include <utility>

#include "absl/time/clock.h"
#include "server/jobs/clock.h"
#include "server/rpc/service.h"
#include "server/rpc/unary_call.h"

namespace deepbindnet {

Service::Service(ServiceDependencies dependencies) : deps_(std::move(dependencies)) {}

absl::Status Service::CheckAccepting() const {
  if (!is_draining_.load()) return absl::OkStatus();
  return WithReason(absl::UnavailableError("the server is shutting down; try again"), "SHUTTING_DOWN");
}

grpc::ServerUnaryReactor* Service::GetServerStatus(grpc::CallbackServerContext* context,
                                                   const v1::GetServerStatusRequest* /*request*/,
                                                   v1::ServerStatus* response) {
  return UnaryCall::Run(deps_.executor, DeadlineOf(*context), [this, response]() -> absl::Status {
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
    for (const std::string& name : deps_.models->LoadedNames()) response->add_loaded_models(name);
    response->set_draining(is_draining_.load());
    return absl::OkStatus();
  });
}

}  // namespace deepbindnet
