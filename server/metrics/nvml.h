// NVIDIA's management library, where the machine has it: what its GPUs are doing.
#ifndef DEEPBINDNET_SERVER_METRICS_NVML_H_
#define DEEPBINDNET_SERVER_METRICS_NVML_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace deepbindnet {

struct GpuReading {
  int index = 0;  // As nvidia-smi numbers them, whatever CUDA_VISIBLE_DEVICES says.
  uint64_t memory_used_bytes = 0;
  uint64_t memory_total_bytes = 0;
  double utilization = 0;  // Share of the last moments in which it computed, 0..1.
};

// Thread-safe.
class Nvml {
 public:
  // Null where there is no such library, or no driver behind it.
  static std::unique_ptr<Nvml> Open(const std::string& library = "libnvidia-ml.so.1");
  ~Nvml();

  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // A GPU that does not answer is left out.
  std::vector<GpuReading> Read() const;

 private:
  struct Api;

  explicit Nvml(std::unique_ptr<const Api> api);

  const std::unique_ptr<const Api> api_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_METRICS_NVML_H_
