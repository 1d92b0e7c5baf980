// Where a process stands among those that train one model together.
#ifndef DEEPBINDNET_CORE_TRAINING_RANK_PLACE_H_
#define DEEPBINDNET_CORE_TRAINING_RANK_PLACE_H_

#include <functional>
#include <string>

#include "core/base/status.h"

namespace deepbindnet {

// The names are those of torchrun, SLURM scripts and the Kubernetes training operators.
struct RankPlace {
  int rank = 0;        // 0..world_size-1. Rank 0 writes the files and reports.
  int world_size = 1;  // 1: this process trains alone, and nothing below counts.
  int local_rank = 0;  // Among the ranks of this machine: the GPU it takes where `device` names none.
  std::string master_addr = "127.0.0.1";          // Host of rank 0.
  int master_port = 0;                            // 1..65535; 0, on rank 0 alone, takes a free one.
  bool hosts_store = true;                        // Whether rank 0 listens at the port; false where its launcher does.
  std::string store_prefix;                       // Of the keys that this start of the ranks uses there.
  int connect_seconds = 300;                      // How long ranks wait for each other at the start.
  std::function<absl::Status(int)> on_listening;  // Where set, called on rank 0 with the port once others can connect.
};

// From RANK, WORLD_SIZE, LOCAL_RANK (absent: 0), MASTER_ADDR and MASTER_PORT; alone where WORLD_SIZE is absent or 1.
// Where torchrun says that its agent holds the store (TORCHELASTIC_USE_AGENT_STORE), that one is used.
// INVALID_ARGUMENT naming the variable where one is missing or out of range.
absl::StatusOr<RankPlace> RankPlaceFromEnvironment();

// INVALID_ARGUMENT naming num_processes where that many would share a GPU of this machine or, where `device` (as
// TrainingOptions::device) is a CPU, a core.
absl::Status CheckProcessesFit(int num_processes, const std::string& device);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_RANK_PLACE_H_
