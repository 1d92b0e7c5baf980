#include "server/rpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/auth/roles.h"
#include "server/rpc/call_observer.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/refused_stream.h"
#include "server/rpc/validation.h"

namespace deepbindnet {
namespace {

// What messages may hold together while gRPC receives and sends them. Predict requests that wait for an answer are
// bounded by ServiceDependencies::max_predict_bytes; of other calls, as many wait as the executor queues.
constexpr size_t kMaxMessageMemory = size_t{1} << 30;
constexpr size_t kMaxShownMethodBytes = 100;
constexpr int kMaxConcurrentStreams = 128;  // Calls of one connection.
// Large enough for a page of jobs with their results.
constexpr int kMaxSendBytes = 64 << 20;
constexpr int kKeepaliveMillis = 60000;        // After which a silent client is asked whether it is alive.
constexpr int kMinPingIntervalMillis = 10000;  // Watching clients may ask as often.

void EnablePlugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

absl::string_view StreamType(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "bidi_stream" : "client_stream";
  return method.server_streaming() ? "server_stream" : "unary";
}

void DeclareMethods(Metrics* metrics) {
  for (int i = 0; i < ApiService().method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *ApiService().method(i);
    metrics->DeclareMethod(FullMethodName(method), StreamType(method));
  }
}

void Configure(grpc::ServerBuilder* builder, size_t max_message_bytes, const std::string& data_dir, Metrics* metrics) {
  // With SO_REUSEPORT a second server would take half of the first one's calls instead of failing.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMillis);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  grpc::ResourceQuota quota("deepbindnet");
  builder->SetResourceQuota(quota.Resize(kMaxMessageMemory));
  builder->SetMaxReceiveMessageSize(static_cast<int>(max_message_bytes));
  builder->SetMaxSendMessageSize(kMaxSendBytes);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<CallObserverFactory>(metrics, data_dir));
  builder->experimental().SetInterceptorCreators(std::move(interceptors));
}

}  // namespace

// Answers what no service of ours does, so that such calls are counted and say more than gRPC would.
class GrpcServer::UnknownMethods final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new RefusedStream<grpc::ServerGenericBidiReactor>(WithReason(
        absl::UnimplementedError(absl::StrCat("there is no method ", ClipText(context->method(), kMaxShownMethodBytes),
                                              "; is the client of another version?")),
        "UNKNOWN_METHOD"));
  }
};

GrpcServer::GrpcServer() : unknown_methods_(std::make_unique<UnknownMethods>()) {}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options, Service* service,
                                                              Metrics* metrics) {
  EnablePlugins();
  DeclareMethods(metrics);
  auto server = std::unique_ptr<GrpcServer>(new GrpcServer);
  grpc::ServerBuilder builder;
  Configure(&builder, options.max_message_bytes, service->data_dir(), metrics);
  builder.AddListeningPort(options.address,
                           options.credentials != nullptr ? options.credentials : grpc::InsecureServerCredentials(),
                           &server->port_);
  builder.RegisterService(service);
  builder.RegisterCallbackGenericService(server->unknown_methods_.get());
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    server->is_shut_down_ = server->server_ == nullptr;
    return WithReason(absl::UnavailableError(absl::StrCat("cannot listen on ", options.address)), "CANNOT_LISTEN",
                      {{"address", options.address}});
  }
  server->SetServing(false);
  return server;
}

GrpcServer::~GrpcServer() {
  if (!is_shut_down_) Shutdown(absl::InfinitePast());
}

void GrpcServer::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
  health->SetServingStatus(serving);  // Every service that is known, "" included.
  health->SetServingStatus("", serving);
  health->SetServingStatus(v1::DeepBindNet::service_full_name(), serving);
}

void GrpcServer::Shutdown(absl::Time deadline) {
  is_shut_down_ = true;
  if (deadline == absl::InfinitePast()) {
    server_->Shutdown(std::chrono::system_clock::now());
  } else {
    server_->Shutdown(absl::ToChronoTime(deadline));
  }
  server_->Wait();
}

}  // namespace deepbindnet
