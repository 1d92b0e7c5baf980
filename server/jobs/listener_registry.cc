#include "server/jobs/listener_registry.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/base/mutex.h"

namespace deepbindnet {

// Outlives its handle while a call is on its way to it.
class ListenerRegistry::Subscription {
 public:
  explicit Subscription(Listener listener) : listener_(std::move(listener)) {}

  // The lock is this listener's alone: it is what makes Close() wait for a call that is running.
  void Call() {
    MutexLock lock(&mutex_);
    if (listener_) listener_();
  }
  void Close() {
    MutexLock lock(&mutex_);
    listener_ = nullptr;
  }

 private:
  Mutex mutex_;
  Listener listener_ ABSL_GUARDED_BY(mutex_);
};

struct ListenerRegistry::Table {
  using Subscriptions = std::vector<std::shared_ptr<Subscription>>;

  Subscriptions Of(const std::string& id) {
    MutexLock lock(&mutex);
    const auto found = by_id.find(id);
    return found == by_id.end() ? Subscriptions() : found->second;
  }
  void Add(const std::string& id, std::shared_ptr<Subscription> subscription) {
    MutexLock lock(&mutex);
    by_id[id].push_back(std::move(subscription));
  }
  void Remove(const std::string& id, const std::shared_ptr<Subscription>& subscription) {
    MutexLock lock(&mutex);
    const auto found = by_id.find(id);
    if (found == by_id.end()) return;
    Subscriptions& listed = found->second;
    listed.erase(std::remove(listed.begin(), listed.end(), subscription), listed.end());
    if (listed.empty()) by_id.erase(found);
  }

  Mutex mutex;
  std::map<std::string, Subscriptions> by_id ABSL_GUARDED_BY(mutex);
};

ListenerRegistry::ListenerRegistry() : table_(std::make_shared<Table>()) {}

std::shared_ptr<void> ListenerRegistry::Add(const std::string& id, Listener listener) {
  auto subscription = std::make_shared<Subscription>(std::move(listener));
  table_->Add(id, subscription);
  return std::shared_ptr<void>(subscription.get(), [table = table_, id, subscription](void*) {
    table->Remove(id, subscription);
    subscription->Close();
  });
}

void ListenerRegistry::Notify(const std::string& id) {
  for (const auto& subscription : table_->Of(id)) subscription->Call();
}

}  // namespace deepbindnet
