#include "client/connection.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/credentials.h"
#include "client/request_id.h"

namespace deepbindnet::client {
namespace {

constexpr absl::Duration kFirstDelay = absl::Milliseconds(100);
constexpr absl::Duration kLongestDelay = absl::Seconds(2);
// For a connection to stand, or to fail, before the first call.
constexpr absl::Duration kConnectTime = absl::Seconds(1);

bool IsLoopback(absl::string_view server) {
  if (absl::StartsWith(server, "unix:")) return true;
  const std::string host(server.substr(0, server.rfind(':')));
  in_addr address;
  const bool is_ipv4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return is_ipv4 ? ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET : host == "localhost" || host == "[::1]";
}

grpc::ChannelArguments MakeChannelArguments(const ConnectionOptions& options) {
  grpc::ChannelArguments arguments;
  // Our own backoff decides when to try again; gRPC's must not wait longer than it.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // In spite of its name: how long one try may take, TCP, TLS and HTTP/2 together, over a slow network.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10 * 1000);
  // A connection that a network dropped without a word is noticed while a stream is silent, too.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30 * 1000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  if (IsLoopback(options.server)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!options.tls_server_name.empty()) arguments.SetSslTargetNameOverride(options.tls_server_name);
  return arguments;
}

// A first failure to connect may be none: gRPC before 1.61 can mistake the errno of another function for that of its
// connect() (grpc/grpc#35064). What a second try finds, the first call tells.
void AwaitConnection(grpc::Channel* channel, absl::Duration second_try) {
  absl::Time deadline = absl::Now() + kConnectTime;
  bool failed = false;
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY && channel->WaitForStateChange(state, absl::ToChronoTime(deadline))) {
    state = channel->GetState(/*try_to_connect=*/true);
    if (state != GRPC_CHANNEL_TRANSIENT_FAILURE || std::exchange(failed, true)) continue;
    deadline = absl::Now() + second_try;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options, Interrupt* interrupt) {
  if (!absl::StrContains(options.server, ':')) {
    return UsageError(absl::StrCat("--server: '", options.server, "' has no port; give HOST:PORT"));
  }
  if (!options.token_file.empty() && !UsesTls(options) && !options.insecure && !IsLoopback(options.server)) {
    return UsageError(absl::StrCat("--token-file: would send the token in the clear to ", options.server,
                                   "; add --tls, or --insecure on a network that you trust"));
  }
  std::unique_ptr<Connection> connection(new Connection(options, interrupt));
  CLIENT_ASSIGN_OR_RETURN(connection->authorization_, ReadAuthorization(options));
  CLIENT_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials, MakeCredentials(options));
  const auto channel = grpc::CreateCustomChannel(options.server, credentials, MakeChannelArguments(options));
  AwaitConnection(channel.get(), options.second_try);
  connection->stub_ = v1::DeepBindNet::NewStub(channel);
  return connection;
}

std::string Connection::Prepare(grpc::ClientContext* context) const {
  if (!authorization_.empty()) context->AddMetadata("authorization", authorization_);
  const std::string call_id = MakeRequestId();
  context->AddMetadata("x-request-id", call_id);
  return call_id;
}

void Connection::SetDeadline(grpc::ClientContext* context) const {
  if (options_.timeout_seconds > 0) {
    context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(options_.timeout_seconds)));
  }
}

absl::Status Connection::Finish(const grpc::Status& status, const std::string& call_id) {
  if (interrupted() && status.error_code() == grpc::StatusCode::CANCELLED) return InterruptedError("interrupted");
  const absl::Status result = FromGrpc(status, options_.server, UsesTls(options_));
  if (IsConnectionLoss(result)) return result;
  has_answered_ = true;
  return WithRemedy(result, call_id);
}

absl::Status Connection::WithRemedy(const absl::Status& status, const std::string& call_id) const {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return AppendMessage(status, authorization_.empty()
                                       ? "; no token was sent: give --token-file FILE, or set DEEPBINDNET_TOKEN_FILE"
                                       : absl::StrCat("; the token was read from ", options_.token_file));
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      return AppendMessage(status, absl::StrCat("; tell the server's operator: request ID ", call_id));
    default:
      return status;
  }
}

void Backoff::Reset() {
  deadline_ = absl::Now() + limit_;
  next_ = kFirstDelay;
}

bool Backoff::Wait(std::optional<absl::Duration> hint) {
  const absl::Duration left = deadline_ - absl::Now();
  if (left <= absl::ZeroDuration()) return false;
  const absl::Duration delay = std::min(left, std::max(next_, hint.value_or(absl::ZeroDuration())));
  next_ = std::min(next_ * 2, kLongestDelay);
  if (interrupt_ != nullptr) return !interrupt_->WaitFor(delay);
  std::this_thread::sleep_for(absl::ToChronoNanoseconds(delay));
  return true;
}

}  // namespace deepbindnet::client
