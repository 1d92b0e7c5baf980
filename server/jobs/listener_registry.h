// Who wants to hear of which job.
#ifndef DEEPBINDNET_SERVER_JOBS_LISTENER_REGISTRY_H_
#define DEEPBINDNET_SERVER_JOBS_LISTENER_REGISTRY_H_

#include <functional>
#include <memory>
#include <string>

namespace deepbindnet {

// Thread-safe. The handles may outlive the registry.
class ListenerRegistry {
 public:
  using Listener = std::function<void()>;

  ListenerRegistry();

  // When the handle's destructor returns, `listener` is not running and is not called again.
  std::shared_ptr<void> Add(const std::string& id, Listener listener);

  // Calls the listeners of `id`, in the order in which they were added.
  void Notify(const std::string& id);

 private:
  class Subscription;
  struct Table;

  const std::shared_ptr<Table> table_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_LISTENER_REGISTRY_H_
