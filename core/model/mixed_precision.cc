#include "core/model/mixed_precision.h"

#include <ATen/autocast_mode.h>

#include "core/compute/torch_util.h"

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#define DBN_AUTOCAST_BY_DEVICE 1
#endif

namespace deepbindnet {
namespace {

void SetAutocast(bool on_cpu, bool enabled) {
#ifdef DBN_AUTOCAST_BY_DEVICE
  const at::DeviceType type = on_cpu ? at::kCPU : at::kCUDA;
  at::autocast::set_autocast_enabled(type, enabled);
  at::autocast::set_autocast_dtype(type, at::kBFloat16);
#else
  if (on_cpu) {
    at::autocast::set_cpu_enabled(enabled);
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  } else {
    at::autocast::set_enabled(enabled);
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
  }
#endif
}

}  // namespace

bool SupportsBf16(const torch::Device& device) {
  if (device.is_cuda()) return true;
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

MixedPrecisionScope::MixedPrecisionScope(const torch::Device& device, bool enabled)
    : enabled_(enabled), on_cpu_(device.is_cpu()) {
  if (!enabled_) return;
  SetAutocast(on_cpu_, true);
  at::autocast::increment_nesting();
}

MixedPrecisionScope::~MixedPrecisionScope() {
  if (!enabled_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  SetAutocast(on_cpu_, false);
}

absl::StatusOr<torch::Device> ParseDevice(const std::string& name) {
  if (name == "auto") return torch::cuda::is_available() ? torch::Device(torch::kCUDA) : torch::Device(torch::kCPU);
  const auto device = CatchTorch([&]() -> absl::StatusOr<torch::Device> { return torch::Device(name); });
  if (!device.ok() || !(device->is_cpu() || device->is_cuda())) {
    return InvalidField("device", name, "is not auto, cpu, cuda or cuda:N");
  }
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (device->is_cuda() && (device->has_index() ? device->index() : 0) >= count) {
    return InvalidField(
        "device", name,
        count == 0 ? "is not here: this machine has no usable GPU; use cpu" : "is not here: give a smaller index");
  }
  return device;
}

}  // namespace deepbindnet
