#include "server/metrics/nvml.h"

#include <dlfcn.h>

#include <utility>

namespace deepbindnet {
namespace {

// As nvml.h declares them; its interface is stable across drivers.
using Device = void*;
struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct Utilization {
  unsigned int gpu;  // Percent, as the next.
  unsigned int memory;
};
constexpr int kSuccess = 0;

template <typename Function>
bool Load(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

}  // namespace

struct Nvml::Api {
  void* library = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*device_get_count)(unsigned int*) = nullptr;
  int (*device_get_handle_by_index)(unsigned int, Device*) = nullptr;
  int (*device_get_memory_info)(Device, Memory*) = nullptr;
  int (*device_get_utilization_rates)(Device, Utilization*) = nullptr;
};

Nvml::Nvml(std::unique_ptr<const Api> api) : api_(std::move(api)) {}

Nvml::~Nvml() {
  api_->shutdown();
  dlclose(api_->library);
}

std::unique_ptr<Nvml> Nvml::Open(const std::string& library) {
  auto api = std::make_unique<Api>();
  api->library = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (api->library == nullptr) return nullptr;
  const bool usable = Load(api->library, "nvmlInit_v2", &api->init) &&
                      Load(api->library, "nvmlShutdown", &api->shutdown) &&
                      Load(api->library, "nvmlDeviceGetCount_v2", &api->device_get_count) &&
                      Load(api->library, "nvmlDeviceGetHandleByIndex_v2", &api->device_get_handle_by_index) &&
                      Load(api->library, "nvmlDeviceGetMemoryInfo", &api->device_get_memory_info) &&
                      Load(api->library, "nvmlDeviceGetUtilizationRates", &api->device_get_utilization_rates) &&
                      api->init() == kSuccess;
  if (usable) return std::unique_ptr<Nvml>(new Nvml(std::move(api)));
  dlclose(api->library);
  return nullptr;
}

std::vector<GpuReading> Nvml::Read() const {
  std::vector<GpuReading> readings;
  unsigned int count = 0;
  if (api_->device_get_count(&count) != kSuccess) return readings;
  for (unsigned int i = 0; i < count; ++i) {
    Device device = nullptr;
    Memory memory = {};
    Utilization utilization = {};
    if (api_->device_get_handle_by_index(i, &device) != kSuccess ||
        api_->device_get_memory_info(device, &memory) != kSuccess ||
        api_->device_get_utilization_rates(device, &utilization) != kSuccess) {
      continue;
    }
    readings.push_back({static_cast<int>(i), memory.used, memory.total, utilization.gpu / 100.0});
  }
  return readings;
}

}  // namespace deepbindnet
