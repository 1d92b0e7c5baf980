// The way to one server.
#ifndef DEEPBINDNET_CLIENT_CONNECTION_H_
#define DEEPBINDNET_CLIENT_CONNECTION_H_

#include <grpcpp/channel.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/error.h"
#include "client/interrupt.h"
#include "deepbindnet/v1/deepbindnet.grpc.pb.h"

namespace deepbindnet::client {

struct ConnectionOptions {
  std::string server = "127.0.0.1:50051";   // HOST:PORT
  bool tls = false;                         // The next four imply it.
  std::string tls_ca;                       // PEM file of trusted authorities; empty: the system's.
  std::string tls_cert, tls_key;            // PEM files that prove who the client is; both or none.
  std::string tls_server_name;              // That the server's certificate must have; empty: the host of `server`.
  std::string token_file;                   // Its first line is sent as "authorization: Bearer ..."; empty sends none.
  bool insecure = false;                    // Allows a token without TLS to an address that is not loopback.
  double timeout_seconds = 120.0;           // For a call that answers once; 0 waits for ever.
  double reconnect_timeout_seconds = 60.0;  // How long a lost server is looked for.
  // For a first failure to connect to prove none.
  absl::Duration second_try = absl::Milliseconds(300);
};

class Connection {
 public:
  // Reads the files that `options` name and tries to connect, for about a second at most; the first call tells whether
  // that worked. A usage error names the option at fault. `interrupt` may be null and must outlive the connection.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options, Interrupt* interrupt);

  // Calls `method` once and waits for its answer.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::DeepBindNet::StubInterface::*method)(grpc::ClientContext*,
                                                                                       const Request&, Response*),
                                const Request& request) {
    InterruptibleContext context(interrupt_);
    const std::string call_id = Prepare(context.get());
    SetDeadline(context.get());
    Response response;
    const absl::Status status = Finish((stub_.get()->*method)(context.get(), request, &response), call_id);
    if (!status.ok()) return status;
    return response;
  }

  // For streams: adds the token and an id of the call's own to a fresh context and returns the id; Finish() turns the
  // stream's end into a Status, whose message has the id where the server is at fault.
  std::string Prepare(grpc::ClientContext* context) const;
  absl::Status Finish(const grpc::Status& status, const std::string& call_id);

  v1::DeepBindNet::StubInterface* stub() { return stub_.get(); }
  Interrupt* interrupt() { return interrupt_; }
  const ConnectionOptions& options() const { return options_; }
  bool interrupted() const { return interrupt_ != nullptr && interrupt_->raised(); }

  // True once the server has answered a call: from then on a loss of the connection is worth waiting out.
  bool has_answered() const { return has_answered_; }
  void set_has_answered() { has_answered_ = true; }

 private:
  Connection(const ConnectionOptions& options, Interrupt* interrupt) : options_(options), interrupt_(interrupt) {}
  void SetDeadline(grpc::ClientContext* context) const;
  absl::Status WithRemedy(const absl::Status& status, const std::string& call_id) const;

  const ConnectionOptions options_;
  Interrupt* const interrupt_;
  std::string authorization_;  // Constant after Open.
  std::unique_ptr<v1::DeepBindNet::StubInterface> stub_;
  bool has_answered_ = false;
};

// Waits between tries, longer each time (0.1 s to 2 s), until `limit` has passed since the last Reset().
class Backoff {
 public:
  Backoff(absl::Duration limit, Interrupt* interrupt) : limit_(limit), interrupt_(interrupt) { Reset(); }

  void Reset();
  // Waits, at least `hint` where the server gave one. False: the time is up, or the user interrupted.
  bool Wait(std::optional<absl::Duration> hint = std::nullopt);

 private:
  const absl::Duration limit_;
  Interrupt* const interrupt_;
  absl::Time deadline_;
  absl::Duration next_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_CONNECTION_H_
