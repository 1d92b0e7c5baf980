#include "server/predict/devices.h"

#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/model/mixed_precision.h"

namespace deepbindnet {

namespace {

int CountGpus() { return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0; }

}  // namespace

std::vector<std::string> GpuIds() {
  const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
  std::vector<std::string> ids;
  if (visible != nullptr) ids = absl::StrSplit(visible, ',', absl::SkipWhitespace());
  for (int i = static_cast<int>(ids.size()); i < CountGpus(); ++i) ids.push_back(absl::StrCat(i));
  ids.resize(static_cast<size_t>(CountGpus()));
  return ids;
}

std::vector<std::string> DescribeDevices() {
  const int threads = at::get_num_threads();
  std::vector<std::string> devices = {absl::StrCat("cpu (", threads, threads == 1 ? " thread)" : " threads)")};
  for (int i = 0; i < CountGpus(); ++i) devices.push_back(absl::StrCat("cuda:", i));
  return devices;
}

absl::Status CheckDevice(const std::string& device) { return ParseDevice(device).status(); }

}  // namespace deepbindnet
