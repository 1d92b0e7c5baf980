// The child processes that are ranks 1, 2, ... of a training on this machine.
#ifndef DEEPBINDNET_SERVER_WORKER_RANK_PROCESSES_H_
#define DEEPBINDNET_SERVER_WORKER_RANK_PROCESSES_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/base/status.h"
#include "deepbindnet/v1/worker.pb.h"

namespace deepbindnet {

// Not thread-safe. Children that still run when it goes are killed.
class RankProcesses {
 public:
  // `world_size` counts this process, rank 0.
  explicit RankProcesses(int world_size) : world_size_(world_size) {}
  ~RankProcesses();
  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;

  // Starts this program as `rank` once for each other rank, with `threads` to compute with. Rank 0 listens at `port` of
  // the loopback interface.
  absl::Status Start(const v1::WorkerTask& task, int port, int threads);

  // Waits for the children to end, where this process's training did not end well for at most 10 seconds. Returns how
  // those ended that did not end well themselves, for a message; empty where all did.
  std::string Finish(bool ended_well);

 private:
  absl::Status StartOne(const v1::WorkerTask& task, int rank, int port, int threads);

  const int world_size_;
  std::vector<pid_t> children_;  // Of ranks 1, 2, ...; 0 where reaped.
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_RANK_PROCESSES_H_
