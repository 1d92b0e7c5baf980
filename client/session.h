// What every command is given.
#ifndef DEEPBINDNET_CLIENT_SESSION_H_
#define DEEPBINDNET_CLIENT_SESSION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/console.h"
#include "client/interrupt.h"

namespace deepbindnet::client {

class Session {
 public:
  // Both must outlive the session; `interrupt` may be null.
  Session(Console* console, Interrupt* interrupt) : console_(console), interrupt_(interrupt) {}

  // Filled by the command line before Connect().
  ConnectionOptions* mutable_connection_options() { return &connection_options_; }

  absl::Status Connect();

  Console* console() { return console_; }
  Connection* connection() { return connection_.get(); }  // After Connect().

  // "deepbindnet [--server HOST:PORT] <rest>": a command line that reaches the same server.
  std::string CommandLine(absl::string_view rest) const;

 private:
  Console* const console_;
  Interrupt* const interrupt_;
  ConnectionOptions connection_options_;
  std::unique_ptr<Connection> connection_;
};

// A random UUID (version 4), for request ids.
std::string MakeRequestId();

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_SESSION_H_
