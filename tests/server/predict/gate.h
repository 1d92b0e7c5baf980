// Keeps a thread busy until a test opens it.
#ifndef DEEPBINDNET_TESTS_SERVER_PREDICT_GATE_H_
#define DEEPBINDNET_TESTS_SERVER_PREDICT_GATE_H_

#include <future>

namespace deepbindnet {

// For one thread that comes once.
class Gate {
 public:
  // Called by the thread: blocks until Open(). The gate may be gone as soon as it is open.
  void Pass() {
    const std::future<void> open = open_.get_future();
    reached_.set_value();
    open.wait();
  }
  // Blocks until the thread stands in Pass().
  void WaitUntilReached() { reached_.get_future().wait(); }
  void Open() { open_.set_value(); }

 private:
  std::promise<void> reached_;
  std::promise<void> open_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_PREDICT_GATE_H_
