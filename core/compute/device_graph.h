// Work for a GPU that was recorded once and is started as a whole from then on, so that the host spends on many
// small operators what it spends on one.
#ifndef DEEPBINDNET_CORE_COMPUTE_DEVICE_GRAPH_H_
#define DEEPBINDNET_CORE_COMPUTE_DEVICE_GRAPH_H_

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <vector>

namespace deepbindnet {

// A graph of CUDA. Not thread-safe.
class DeviceGraph {
 public:
  // Whether work on `device` can be recorded.
  static bool Supports(const torch::Device& device);

  // Calls `work` and records what it starts on the current GPU, without computing it: what its operators make has no
  // values before the first Start(), and is overwritten by the next. What they read and were not themselves given by
  // `work` has to stay where it is. Nothing in `work` may wait for the GPU; what it draws comes from `generators`,
  // whose seed is read at each Start(). Throws what `work` has thrown, or where something cannot be recorded.
  DeviceGraph(const std::function<void()>& work, const std::vector<at::Generator>& generators);
  ~DeviceGraph();

  // Starts the work behind what the current stream was given so far, and beside what other graphs do.
  void Start();

  // Lets the current stream wait for it.
  void Join();

 private:
  struct Recorded;
  std::unique_ptr<Recorded> recorded_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_DEVICE_GRAPH_H_
