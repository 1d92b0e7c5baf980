#include "core/compute/device_graph.h"

#include <torch/version.h>

// Older versions record one generator only.
#if defined(DEEPBINDNET_CUDA) && (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4))
#define DEEPBINDNET_CUDA_GRAPHS
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include <stdexcept>

namespace deepbindnet {

#ifdef DEEPBINDNET_CUDA_GRAPHS

struct DeviceGraph::Recorded {
  const c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool();
  at::cuda::CUDAGraph graph;
  at::cuda::CUDAEvent ready, done;
};

bool DeviceGraph::Supports(const torch::Device& device) { return device.is_cuda(); }

DeviceGraph::DeviceGraph(const std::function<void()>& work, const std::vector<at::Generator>& generators)
    : recorded_(std::make_unique<Recorded>()) {
  c10::cuda::device_synchronize();
  const c10::cuda::CUDAStreamGuard guard(recorded_->stream);
  for (const at::Generator& generator : generators) recorded_->graph.register_generator_state(generator);
  recorded_->graph.capture_begin();
  try {
    work();
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    try {
      recorded_->graph.capture_end();
    } catch (const std::exception&) {  // It has failed for the same reason.
    }
    std::rethrow_exception(error);
  }
  recorded_->graph.capture_end();
}

void DeviceGraph::Start() {
  recorded_->ready.record();
  const c10::cuda::CUDAStreamGuard guard(recorded_->stream);
  recorded_->ready.block(recorded_->stream);
  recorded_->graph.replay();
  recorded_->done.record();
}

void DeviceGraph::Join() { recorded_->done.block(c10::cuda::getCurrentCUDAStream()); }

#else

struct DeviceGraph::Recorded {};

bool DeviceGraph::Supports(const torch::Device& /*device*/) { return false; }

DeviceGraph::DeviceGraph(const std::function<void()>& /*work*/, const std::vector<at::Generator>& /*generators*/) {
  throw std::logic_error("this build records no work");
}

void DeviceGraph::Start() {}
void DeviceGraph::Join() {}

#endif

DeviceGraph::~DeviceGraph() = default;

}  // namespace deepbindnet
