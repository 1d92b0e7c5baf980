// The whole server in one object: stores, job engine, prediction, gRPC and metrics.
#ifndef DEEPBINDNET_SERVER_SERVER_H_
#define DEEPBINDNET_SERVER_SERVER_H_

#include <memory>

#include "absl/time/time.h"
#include "core/base/status.h"
#include "server/config.h"

namespace deepbindnet {

class Server {
 public:
  // What it listens on, with port 0 resolved.
  struct Ports {
    int grpc = 0;
    int metrics = 0;  // 0 where metrics are off.
  };

  // Returns once it serves, with the model that the alias "default" means in memory. Where that one cannot be loaded
  // the log says so and the server serves all the same: trainings and other models do not need it. The error is one
  // line for the operator: a port in use, a device that is not there, a data directory that cannot be written or that
  // another server has, a worker that is missing.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config);

  // What keeps a server from starting with `config`, as far as that can be told while another one may be running:
  // options, addresses, certificates, tokens, device, worker.
  static absl::Status Check(const ServerConfig& config);

  // Drains without patience where Drain has not been called.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Ports ports() const;

  // Reads tokens and certificates again. What cannot be used stays as it was; the log tells of either.
  void Reload();

  // Health says NOT_SERVING, new work is refused, predictions that were accepted are finished, running jobs are
  // stopped and go back to the queue, where they go on from their last checkpoint later, watches are told to
  // come back. Blocks until then, or until `deadline` at the latest. Call once.
  void Drain(absl::Time deadline);

 private:
  struct Parts;

  explicit Server(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_SERVER_H_
