#include "server/predict/devices.h"

#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include "absl/strings/str_cat.h"
#include "core/model/mixed_precision.h"

namespace deepbindnet {

std::vector<std::string> DescribeDevices() {
  const int threads = at::get_num_threads();
  std::vector<std::string> devices = {absl::StrCat("cpu (", threads, threads == 1 ? " thread)" : " threads)")};
  const int gpus = torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  for (int i = 0; i < gpus; ++i) devices.push_back(absl::StrCat("cuda:", i));
  return devices;
}

absl::Status CheckDevice(const std::string& device) { return ParseDevice(device).status(); }

}  // namespace deepbindnet
