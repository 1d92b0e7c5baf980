// The models in memory.
#ifndef DEEPBINDNET_SERVER_PREDICT_MODEL_REGISTRY_H_
#define DEEPBINDNET_SERVER_PREDICT_MODEL_REGISTRY_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/inference/predictor.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/store/data_layout.h"
#include "server/store/store.h"

namespace deepbindnet {

struct ServedModel {
  std::string name;  // With aliases resolved.
  std::shared_ptr<const Predictor> predictor;
};

// Loads a model's best_model.pt on first use, one after the other on a thread of its own, and keeps the most recently
// used ones. A model in use stays alive when it is dropped here. Thread-safe.
class ModelRegistry {
 public:
  using Loader = std::function<absl::StatusOr<std::shared_ptr<const Predictor>>(const std::string& checkpoint)>;
  using Callback = std::function<void(absl::StatusOr<ServedModel>)>;

  // At most `max_loaded` models, >= 1, are kept, and at most `max_waiting` callers wait for models to load. `loader` is
  // called by one thread. `store` must outlive the registry.
  ModelRegistry(Store* store, DataLayout layout, Loader loader, int max_loaded, int max_waiting = 1000);
  // Finishes the load that runs; callers that wait for others get UNAVAILABLE.
  ~ModelRegistry();

  // Calls `done` once: with the model that `name` or an alias means, the empty name meaning the alias "default" or else
  // the only model. Blocks on the store; not for a gRPC thread. Where the model has to be loaded, returns before that,
  // and the loading thread calls `done`, which must not block.
  // NOT_FOUND: no such model; FAILED_PRECONDITION: an empty name with several models or none; DATA_LOSS: the checkpoint
  // is missing, damaged or not the one the training job wrote; RESOURCE_EXHAUSTED: too many wait, or out of memory.
  void Get(const std::string& name, Callback done);

  // The same, but blocks until the model is loaded. OK where there is no model of that name or alias.
  absl::Status Warm(const std::string& name);

  // What `name` means, as in Get, without loading it. Blocks on the store.
  absl::StatusOr<v1::Model> Resolve(const std::string& name);

  // Drops the model of this name from memory, for one that is deleted.
  void Forget(const std::string& name);

  bool IsLoaded(const std::string& name);
  std::vector<std::string> LoadedNames();  // Sorted.

 private:
  struct Entry {
    std::string digest;                          // As the store says.
    std::shared_ptr<const Predictor> predictor;  // Null while it is being loaded.
    uint64_t last_used = 0;
    std::vector<Callback> waiting;
  };

  absl::StatusOr<std::vector<v1::Model>> AllModels();
  absl::StatusOr<v1::Model> ResolveEmptyName();
  void Loop();
  absl::StatusOr<std::shared_ptr<const Predictor>> Load(const v1::Model& model);
  void FinishLoad(const v1::Model& model, const absl::StatusOr<std::shared_ptr<const Predictor>>& predictor);
  // What it drops, for the caller to destroy without the lock.
  std::vector<Entry> EvictLeastRecentlyUsed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store* const store_;
  const DataLayout layout_;
  const Loader loader_;
  const size_t max_loaded_;
  const size_t max_waiting_;

  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);  // By name.
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;             // Of all entries.
  std::deque<v1::Model> to_load_ ABSL_GUARDED_BY(mutex_);  // Each has an entry with a caller that waits.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_PREDICT_MODEL_REGISTRY_H_
