#include "server/rpc/call_observer.h"

#include <grpcpp/server_context.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/auth/roles.h"
#include "server/logging/logging.h"
#include "server/rpc/call_record.h"
#include "server/rpc/grpc_status.h"

namespace deepbindnet {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

constexpr size_t kMaxMethodBytes = 100;  // In the log.

absl::string_view TypeName(ServerRpcInfo::Type type) {
  switch (type) {
    case ServerRpcInfo::Type::UNARY:
      return "unary";
    case ServerRpcInfo::Type::CLIENT_STREAMING:
      return "client_stream";
    case ServerRpcInfo::Type::SERVER_STREAMING:
      return "server_stream";
    case ServerRpcInfo::Type::BIDI_STREAMING:
      return "bidi_stream";
  }
  return "unknown";
}

// Failures of ours are errors; refusals are the caller's, and worth a line; the rest is for debugging.
LogLevel LevelOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
    case grpc::StatusCode::CANCELLED:
      return LogLevel::kDebug;
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DATA_LOSS:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

// A client may call anything; the labels of metrics are bounded.
const char* KnownMethod(const char* method) {
  static const auto* const known = [] {
    auto* methods = new std::set<std::string>{"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
                                              "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
    for (int i = 0; i < ApiService().method_count(); ++i) methods->insert(FullMethodName(*ApiService().method(i)));
    return methods;
  }();
  return known->count(method) > 0 ? method : "/unknown/unknown";
}

class CallObserver final : public grpc::experimental::Interceptor {
 public:
  CallObserver(Metrics* metrics, const std::string& private_path, ServerRpcInfo* info)
      : metrics_(metrics),
        private_path_(private_path),
        info_(info),
        method_(KnownMethod(info->method())),
        type_(TypeName(info->type())),
        start_(absl::Now()) {
    metrics_->CallStarted(method_, type_);
  }

  ~CallObserver() override {
    if (!is_recorded_) Record(grpc::StatusCode::CANCELLED);
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      Record(status.error_code());
      LogCall(status);
      if (!status.ok()) methods->ModifySendStatus(WithoutText(status, private_path_));
    }
    methods->Proceed();
  }

 private:
  void Record(grpc::StatusCode code) {
    is_recorded_ = true;
    metrics_->CallHandled(method_, type_, GrpcCodeName(code), absl::Now() - start_);
  }

  void LogCall(const grpc::Status& status) const {
    grpc::ServerContextBase* context = info_->server_context();
    std::vector<LogField> fields = {{"method", ClipText(info_->method(), kMaxMethodBytes)},
                                    {"code", std::string(GrpcCodeName(status.error_code()))},
                                    {"seconds", absl::StrCat(absl::ToDoubleSeconds(absl::Now() - start_))},
                                    {"peer", context->peer()}};
    const std::string request_id = RequestIdOf(*context);
    if (!request_id.empty()) fields.push_back({"request_id", request_id});
    if (!status.ok()) fields.push_back({"error", status.error_message()});
    Log(LevelOf(status.error_code()), "call", fields);
  }

  Metrics* const metrics_;
  const std::string& private_path_;  // The factory's, which outlives its calls.
  ServerRpcInfo* const info_;
  const char* const method_;  // As metrics know it.
  const absl::string_view type_;
  const absl::Time start_;
  bool is_recorded_ = false;
};

}  // namespace

absl::string_view GrpcCodeName(int code) {
  static const auto* const names = [] {
    auto* all = new std::vector<std::string>;
    for (int i = 0; i <= 16; ++i) all->push_back(absl::StatusCodeToString(static_cast<absl::StatusCode>(i)));
    return all;
  }();
  return code >= 0 && code <= 16 ? (*names)[code] : absl::string_view("UNKNOWN");
}

grpc::experimental::Interceptor* CallObserverFactory::CreateServerInterceptor(ServerRpcInfo* info) {
  return new CallObserver(metrics_, private_path_, info);
}

}  // namespace deepbindnet
