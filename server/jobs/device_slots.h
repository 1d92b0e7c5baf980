// The machine's places for jobs: a GPU each, and shares of the CPU.
#ifndef DEEPBINDNET_SERVER_JOBS_DEVICE_SLOTS_H_
#define DEEPBINDNET_SERVER_JOBS_DEVICE_SLOTS_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "deepbindnet/v1/types.pb.h"

namespace deepbindnet {

// Slots that a job takes while it runs: the processes of a training, else 1.
int NumDevices(const v1::JobSpec& spec);

// Trainings and comparisons take GPUs where there are any; everything else takes shares of the CPU.
class DeviceSlots {
 public:
  enum class Pool { kCpu, kGpu };

  // `cpu_slots` >= 1 share `cpu_threads` threads; `gpus` are as CUDA_VISIBLE_DEVICES names them.
  DeviceSlots(int cpu_slots, int cpu_threads, std::vector<std::string> gpus);

  Pool PoolOf(const v1::JobSpec& spec) const;

  // "cpu:0", "cpu:1", "cuda:0", ...
  std::vector<std::string> Names() const;

  // INVALID_ARGUMENT naming spec.options.num_processes where the job needs more slots than there are.
  absl::Status CheckFits(const v1::JobSpec& spec) const;

  // As many free slots as the job needs, those of the lowest numbers; nullopt while fewer are free.
  std::optional<std::vector<std::string>> Choose(const v1::JobSpec& spec, const std::set<std::string>& taken) const;

  // What a worker with these slots has in its environment, so that it uses them and no others: CUDA_VISIBLE_DEVICES
  // where the machine has GPUs, OMP_NUM_THREADS where several jobs share the CPU.
  std::map<std::string, std::string> EnvironmentOf(const std::vector<std::string>& slots) const;

 private:
  std::vector<std::string> NamesIn(Pool pool) const;

  const int cpu_slots_;
  const int cpu_threads_;
  const std::vector<std::string> gpus_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_DEVICE_SLOTS_H_
