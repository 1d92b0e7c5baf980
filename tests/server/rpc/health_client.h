// grpc.health.v1.Health without its generated code.
#ifndef DEEPBINDNET_TESTS_SERVER_RPC_HEALTH_CLIENT_H_
#define DEEPBINDNET_TESTS_SERVER_RPC_HEALTH_CLIENT_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace deepbindnet {

// "SERVING", "NOT_SERVING", or the name of the error.
inline std::string CheckHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  // HealthCheckRequest: field 1, the service's name.
  std::string request;
  if (!service.empty()) request = std::string("\x0a", 1) + static_cast<char>(service.size()) + service;
  const grpc::Slice slice(request);
  const grpc::ByteBuffer request_buffer(&slice, 1);
  grpc::ByteBuffer response_buffer;
  grpc::ClientContext context;
  std::promise<grpc::Status> done;
  grpc::GenericStub stub(channel);
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request_buffer, &response_buffer,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return "unknown service";
  if (!status.ok()) return status.error_message();
  std::vector<grpc::Slice> slices;
  response_buffer.Dump(&slices);
  std::string response;
  for (const grpc::Slice& part : slices) response.append(reinterpret_cast<const char*>(part.begin()), part.size());
  // HealthCheckResponse: field 1, the status.
  if (response == "\x08\x01") return "SERVING";
  if (response == "\x08\x02") return "NOT_SERVING";
  return "another status";
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_RPC_HEALTH_CLIENT_H_
