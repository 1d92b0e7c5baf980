// The models in memory.
#ifndef DEEPBINDNET_SERVER_PREDICT_MODEL_REGISTRY_H_
#define DEEPBINDNET_SERVER_PREDICT_MODEL_REGISTRY_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/inference/predictor.h"
#include "deepbindnet/v1/types.pb.h"
#include "server/store/data_layout.h"
#include "server/store/store.h"

namespace deepbindnet {

struct LoadedModel {
  std::string name;  // With aliases resolved.
  std::shared_ptr<const Predictor> predictor;
};

// Loads a model's best_model.pt on first use and keeps the most recently used ones. A model in use stays alive when it
// is dropped here. Thread-safe.
class ModelRegistry {
 public:
  using Loader = std::function<absl::StatusOr<std::shared_ptr<const Predictor>>(const std::string& checkpoint)>;
  using Callback = std::function<void(absl::StatusOr<LoadedModel>)>;

  // At most `max_loaded` models, >= 1, are kept. `store` must outlive the registry.
  ModelRegistry(Store* store, DataLayout layout, Loader loader, int max_loaded);

  // Calls `done` once: with the model that `name` or an alias means, the empty name meaning the alias "default" or else
  // the only model. Blocks on the store, and the first caller of a model for as long as loading takes; those who come
  // meanwhile return at once and are called by the first. Not for a gRPC thread.
  // NOT_FOUND: no such model; FAILED_PRECONDITION: an empty name with several models or none; DATA_LOSS: the checkpoint
  // is not the one the training job wrote.
  void Get(const std::string& name, Callback done);

  // What `name` means, as in Get, without loading it. Blocks on the store.
  absl::StatusOr<v1::Model> Resolve(const std::string& name);

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
  absl::StatusOr<std::shared_ptr<const Predictor>> Load(const v1::Model& model);
  void FinishLoad(const v1::Model& model, const absl::StatusOr<std::shared_ptr<const Predictor>>& predictor);
  void EvictLeastRecentlyUsed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store* const store_;
  const DataLayout layout_;
  const Loader loader_;
  const size_t max_loaded_;

  Mutex mutex_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);  // By name.
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_PREDICT_MODEL_REGISTRY_H_
