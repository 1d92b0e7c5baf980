// Asks a server's grpc.health.v1.Health service how it is.
#ifndef DEEPBINDNET_DEPLOY_HEALTHCHECK_HEALTH_PROBE_H_
#define DEEPBINDNET_DEPLOY_HEALTHCHECK_HEALTH_PROBE_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

namespace deepbindnet {

// Blocks until `service` (empty: the server as a whole) of the server behind `channel` has answered or `timeout` has
// passed. OK when it is SERVING; UNAVAILABLE, with the state it gave, when it is not; else the call's own error, for
// example UNAVAILABLE (no server), NOT_FOUND (no such service), DEADLINE_EXCEEDED, UNIMPLEMENTED (no health service).
grpc::Status ProbeHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                         std::chrono::milliseconds timeout);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_DEPLOY_HEALTHCHECK_HEALTH_PROBE_H_
