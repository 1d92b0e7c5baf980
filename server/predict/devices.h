// What LibTorch can compute on.
#ifndef DEEPBINDNET_SERVER_PREDICT_DEVICES_H_
#define DEEPBINDNET_SERVER_PREDICT_DEVICES_H_

#include <string>
#include <vector>

#include "core/base/status.h"

namespace deepbindnet {

// For people: "cpu (2 threads)", "cuda:0".
std::vector<std::string> DescribeDevices();

// The GPUs there are, as CUDA_VISIBLE_DEVICES names them: by what that variable of this process says, else by number.
std::vector<std::string> GpuIds();

// INVALID_ARGUMENT where `device` ("auto", "cpu", "cuda", "cuda:N") is none or this machine does not have it.
absl::Status CheckDevice(const std::string& device);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_PREDICT_DEVICES_H_
