#include "core/model/mixed_precision.h"

#include <ATen/autocast_mode.h>

#include "core/compute/torch_util.h"

#ifdef DEEPBINDNET_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#define DBN_AUTOCAST_BY_DEVICE 1
#endif

namespace deepbindnet {
namespace {

void SetAutocast(bool on_cpu, bool enabled, torch::Dtype half) {
#ifdef DBN_AUTOCAST_BY_DEVICE
  const at::DeviceType type = on_cpu ? at::kCPU : at::kCUDA;
  at::autocast::set_autocast_enabled(type, enabled);
  at::autocast::set_autocast_dtype(type, half);
#else
  if (on_cpu) {
    at::autocast::set_cpu_enabled(enabled);
    at::autocast::set_autocast_cpu_dtype(half);
  } else {
    at::autocast::set_enabled(enabled);
    at::autocast::set_autocast_gpu_dtype(half);
  }
#endif
}

bool IsAmpereOrNewer(const torch::Device& device) {
#ifdef DEEPBINDNET_CUDA
  return at::cuda::getDeviceProperties(device.index())->major >= 8;  // -1: the current one.
#else
  return false;  // There is no such device in this build.
#endif
}

}  // namespace

bool SupportsBf16(const torch::Device& device) {
  if (device.is_cuda()) return IsAmpereOrNewer(device);
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

MixedPrecisionScope::MixedPrecisionScope(const torch::Device& device, c10::optional<torch::Dtype> half)
    : enabled_(half.has_value()), on_cpu_(device.is_cpu()) {
  if (!enabled_) return;
  SetAutocast(on_cpu_, true, *half);
  at::autocast::increment_nesting();
}

MixedPrecisionScope::~MixedPrecisionScope() {
  if (!enabled_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  SetAutocast(on_cpu_, false, at::kBFloat16);
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
