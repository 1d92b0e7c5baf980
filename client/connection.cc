#include "client/connection.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace deepbindnet::client {
namespace {

constexpr absl::Duration kFirstDelay = absl::Milliseconds(100);
constexpr absl::Duration kLongestDelay = absl::Seconds(2);
// For a connection to stand, or to fail, before the first call.
constexpr absl::Duration kConnectTime = absl::Seconds(1);

absl::StatusOr<std::string> ReadTextFile(const std::string& option, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream contents;
  if (!file || !(contents << file.rdbuf())) {
    return UsageError(absl::StrCat(option, ": ", path, " cannot be read or is empty"));
  }
  return contents.str();
}

bool IsLoopback(absl::string_view server) {
  if (absl::StartsWith(server, "unix:")) return true;
  const std::string host(server.substr(0, server.rfind(':')));
  in_addr address;
  const bool is_ipv4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
  return is_ipv4 ? ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET : host == "localhost" || host == "[::1]";
}

grpc::ChannelArguments MakeChannelArguments(absl::string_view server) {
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
  if (IsLoopback(server)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
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
  const bool tls = options.tls || !options.tls_ca.empty();
  std::unique_ptr<Connection> connection(new Connection(options, interrupt));
  if (!options.token_file.empty()) {
    if (!tls && !options.insecure && !IsLoopback(options.server)) {
      return UsageError(absl::StrCat("--token-file: would send the token in the clear to ", options.server,
                                     "; add --tls, or --insecure on a network that you trust"));
    }
    CLIENT_ASSIGN_OR_RETURN(const std::string token, ReadTextFile("--token-file", options.token_file));
    const std::vector<std::string> lines = absl::StrSplit(token, '\n');
    connection->authorization_ = absl::StrCat("Bearer ", absl::StripAsciiWhitespace(lines[0]));
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (tls) {
    grpc::SslCredentialsOptions ssl;
    if (!options.tls_ca.empty()) {
      CLIENT_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadTextFile("--tls-ca", options.tls_ca));
    }
    credentials = grpc::SslCredentials(ssl);
  }
  const auto channel = grpc::CreateCustomChannel(options.server, credentials, MakeChannelArguments(options.server));
  AwaitConnection(channel.get(), options.second_try);
  connection->stub_ = v1::DeepBindNet::NewStub(channel);
  return connection;
}

void Connection::Prepare(grpc::ClientContext* context) const {
  if (!authorization_.empty()) context->AddMetadata("authorization", authorization_);
}

void Connection::SetDeadline(grpc::ClientContext* context) const {
  if (options_.timeout_seconds > 0) {
    context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(options_.timeout_seconds)));
  }
}

absl::Status Connection::Finish(const grpc::Status& status) {
  if (interrupted() && status.error_code() == grpc::StatusCode::CANCELLED) return InterruptedError("interrupted");
  absl::Status result = FromGrpc(status, options_.server);
  if (!IsConnectionLoss(result)) has_answered_ = true;
  return result;
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
