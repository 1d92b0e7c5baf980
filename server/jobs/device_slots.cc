#include "server/jobs/device_slots.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace deepbindnet {
namespace {

constexpr absl::string_view kCpuPrefix = "cpu:";
constexpr absl::string_view kGpuPrefix = "cuda:";

}  // namespace

int NumDevices(const v1::JobSpec& spec) {
  return spec.has_train() ? static_cast<int>(std::max<uint32_t>(1, spec.train().options().num_processes())) : 1;
}

DeviceSlots::DeviceSlots(int cpu_slots, int cpu_threads, std::vector<std::string> gpus)
    : cpu_slots_(cpu_slots), cpu_threads_(cpu_threads), gpus_(std::move(gpus)) {}

DeviceSlots::Pool DeviceSlots::PoolOf(const v1::JobSpec& spec) const {
  const bool computes = spec.has_train() || spec.has_compare();
  return computes && !gpus_.empty() ? Pool::kGpu : Pool::kCpu;
}

std::vector<std::string> DeviceSlots::NamesIn(Pool pool) const {
  const int count = pool == Pool::kCpu ? cpu_slots_ : static_cast<int>(gpus_.size());
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(absl::StrCat(pool == Pool::kCpu ? kCpuPrefix : kGpuPrefix, i));
  return names;
}

std::vector<std::string> DeviceSlots::Names() const {
  std::vector<std::string> names = NamesIn(Pool::kCpu);
  for (std::string& gpu : NamesIn(Pool::kGpu)) names.push_back(std::move(gpu));
  return names;
}

absl::Status DeviceSlots::CheckFits(const v1::JobSpec& spec) const {
  const Pool pool = PoolOf(spec);
  const int slots = static_cast<int>(NamesIn(pool).size());
  const int needed = NumDevices(spec);
  if (needed <= slots) return absl::OkStatus();
  const absl::string_view remedy =
      pool == Pool::kGpu ? "ask for fewer" : "ask for fewer, or start the server with more --slots";
  return InvalidField("spec.options.num_processes", absl::StrCat(needed),
                      absl::StrCat("is more than the server's ", slots, pool == Pool::kGpu ? " GPU" : " CPU",
                                   slots == 1 ? " slot; " : " slots; ", remedy));
}

std::optional<std::vector<std::string>> DeviceSlots::Choose(const v1::JobSpec& spec,
                                                            const std::set<std::string>& taken) const {
  const size_t needed = static_cast<size_t>(NumDevices(spec));
  std::vector<std::string> chosen;
  for (std::string& name : NamesIn(PoolOf(spec))) {
    if (chosen.size() < needed && taken.count(name) == 0) chosen.push_back(std::move(name));
  }
  if (chosen.size() < needed) return std::nullopt;
  return chosen;
}

std::map<std::string, std::string> DeviceSlots::EnvironmentOf(const std::vector<std::string>& slots) const {
  std::map<std::string, std::string> environment;
  std::vector<std::string> visible;
  for (absl::string_view slot : slots) {
    size_t index = 0;
    if (absl::ConsumePrefix(&slot, kGpuPrefix) && absl::SimpleAtoi(slot, &index)) visible.push_back(gpus_[index]);
  }
  if (!gpus_.empty()) environment["CUDA_VISIBLE_DEVICES"] = absl::StrJoin(visible, ",");
  if (visible.empty() && cpu_slots_ > 1) {
    const int threads = std::max(1, cpu_threads_ / cpu_slots_) * static_cast<int>(slots.size());
    environment["OMP_NUM_THREADS"] = absl::StrCat(threads);
  }
  return environment;
}

}  // namespace deepbindnet
