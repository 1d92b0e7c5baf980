#include "deploy/healthcheck/health_probe.h"

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <cstdint>

namespace deepbindnet {
namespace {

using google::protobuf::Empty;
using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr char kCheckMethod[] = "/grpc.health.v1.Health/Check";
constexpr int kServiceField = 1;  // HealthCheckRequest.service, a string.
constexpr int kStatusField = 1;   // HealthCheckResponse.status, an enum.

std::string StateName(uint64_t state) {
  switch (state) {
    case 1:
      return "SERVING";
    case 2:
      return "NOT_SERVING";
    case 3:
      return "SERVICE_UNKNOWN";
    default:
      return "UNKNOWN";
  }
}

// An enum that is 0 is not on the wire.
uint64_t ReadState(const Empty& response) {
  uint64_t state = 0;
  const UnknownFieldSet& fields = response.GetReflection()->GetUnknownFields(response);
  for (int i = 0; i < fields.field_count(); ++i) {
    const UnknownField& field = fields.field(i);
    if (field.number() == kStatusField && field.type() == UnknownField::TYPE_VARINT) state = field.varint();
  }
  return state;
}

}  // namespace

// Debian ships the health service's server side but not its messages. One field each needs no generated code: a message
// without fields keeps those it does not know.
grpc::Status ProbeHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                         std::chrono::milliseconds timeout) {
  Empty request;
  if (!service.empty()) {
    request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(kServiceField, service);
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);

  grpc::CompletionQueue queue;
  grpc::TemplatedGenericStub<Empty, Empty> stub(channel);
  const auto call = stub.PrepareUnaryCall(&context, kCheckMethod, request, &queue);
  call->StartCall();
  Empty response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);

  if (!status.ok()) return status;
  const std::string state = StateName(ReadState(response));
  if (state == "SERVING") return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server says " + state);
}

}  // namespace deepbindnet
