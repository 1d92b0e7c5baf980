#include "server/predict/model_registry.h"

#include <algorithm>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/exceptions.h"

namespace deepbindnet {
namespace {

constexpr absl::string_view kDefaultAlias = "default";
constexpr uint32_t kPageSize = 1000;

const v1::Model* FindAlias(const std::vector<v1::Model>& models, absl::string_view alias) {
  for (const v1::Model& model : models) {
    if (std::find(model.aliases().begin(), model.aliases().end(), alias) != model.aliases().end()) return &model;
  }
  return nullptr;
}

}  // namespace

ModelRegistry::ModelRegistry(Store* store, DataLayout layout, Loader loader, int max_loaded, int max_waiting)
    : store_(store),
      layout_(std::move(layout)),
      loader_(std::move(loader)),
      max_loaded_(static_cast<size_t>(std::max(1, max_loaded))),
      max_waiting_(static_cast<size_t>(std::max(1, max_waiting))),
      thread_([this] { Loop(); }) {}

ModelRegistry::~ModelRegistry() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
  const absl::Status status =
      WithReason(absl::UnavailableError("the server is shutting down; try again"), "SHUTTING_DOWN");
  for (const auto& [name, entry] : entries_) {
    for (const Callback& done : entry.waiting) done(status);
  }
}

void ModelRegistry::Get(const std::string& name, Callback done) {
  const absl::StatusOr<v1::Model> model = Resolve(name);
  if (!model.ok()) return done(model.status());
  absl::StatusOr<ServedModel> answer = ServedModel{model->name(), nullptr};
  Entry replaced;  // Destroyed without the lock.
  {
    MutexLock lock(&mutex_);
    const auto [found, is_new] = entries_.try_emplace(model->name());
    Entry& entry = found->second;
    const bool is_loading = !entry.waiting.empty();
    if (entry.predictor != nullptr && entry.digest == model->digest()) {
      entry.last_used = ++uses_;
      answer->predictor = entry.predictor;
    } else if (waiting_ >= max_waiting_) {
      if (is_new) entries_.erase(found);
      answer = WithReason(absl::ResourceExhaustedError("too many calls wait for models to load; try again later"),
                          "MODEL_LOADING");
    } else {
      if (!is_loading) {
        replaced = std::exchange(entry, Entry{model->digest(), nullptr, 0, {}});
        to_load_.push_back(*model);
        changed_.SignalAll();
      }
      entry.waiting.push_back(std::move(done));
      ++waiting_;
      return;
    }
  }
  done(std::move(answer));
}

absl::Status ModelRegistry::Warm(const std::string& name) {
  if (const auto model = Resolve(name); !model.ok()) {
    return absl::IsNotFound(model.status()) ? absl::OkStatus() : model.status();
  }
  std::promise<absl::Status> loaded;
  Get(name, [&loaded](const absl::StatusOr<ServedModel>& model) { loaded.set_value(model.status()); });
  return loaded.get_future().get();
}

void ModelRegistry::Loop() {
  while (true) {
    v1::Model model;
    {
      MutexLock lock(&mutex_);
      while (to_load_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (stopping_) return;
      model = std::move(to_load_.front());
      to_load_.pop_front();
    }
    FinishLoad(model, Load(model));
  }
}

absl::StatusOr<std::shared_ptr<const Predictor>> ModelRegistry::Load(const v1::Model& model) {
  absl::StatusOr<std::shared_ptr<const Predictor>> predictor =
      CatchAll([&] { return loader_(layout_.Checkpoint(model.name())); });
  if (!predictor.ok()) {
    // A model that is in the store but not, or not whole, on the disk is our damage, not the caller's mistake.
    const absl::Status& error = predictor.status();
    const bool is_lost = absl::IsNotFound(error) || absl::IsInvalidArgument(error);
    const absl::Status status = is_lost ? absl::DataLossError(error.message()) : error;
    return WithReason(Annotate(status, absl::StrCat("cannot load model ", model.name())), "MODEL_NOT_LOADABLE",
                      {{"model", model.name()}});
  }
  if (!model.digest().empty() && (*predictor)->info().digest != model.digest()) {
    return WithReason(absl::DataLossError(absl::StrCat("the checkpoint of model ", model.name(),
                                                       " is not the one its training wrote; train it again")),
                      "MODEL_DIGEST_MISMATCH", {{"model", model.name()}});
  }
  return predictor;
}

void ModelRegistry::FinishLoad(const v1::Model& model,
                               const absl::StatusOr<std::shared_ptr<const Predictor>>& predictor) {
  std::vector<Callback> waiting;
  std::vector<Entry> evicted;  // Destroyed without the lock.
  {
    MutexLock lock(&mutex_);
    Entry& entry = entries_[model.name()];
    waiting.swap(entry.waiting);
    waiting_ -= waiting.size();
    if (predictor.ok()) {
      entry.predictor = *predictor;
      entry.last_used = ++uses_;
      evicted = EvictLeastRecentlyUsed();
    } else {
      entries_.erase(model.name());
    }
  }
  for (const Callback& done : waiting) {
    if (predictor.ok()) {
      done(ServedModel{model.name(), *predictor});
    } else {
      done(predictor.status());
    }
  }
}

std::vector<ModelRegistry::Entry> ModelRegistry::EvictLeastRecentlyUsed() {
  std::vector<Entry> evicted;
  while (true) {
    size_t loaded = 0;
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->second.predictor == nullptr) continue;
      ++loaded;
      if (oldest == entries_.end() || entry->second.last_used < oldest->second.last_used) oldest = entry;
    }
    if (loaded <= max_loaded_) return evicted;
    evicted.push_back(std::move(oldest->second));
    entries_.erase(oldest);
  }
}

absl::StatusOr<std::vector<v1::Model>> ModelRegistry::AllModels() {
  std::vector<v1::Model> models;
  v1::ListModelsRequest request;
  request.set_page_size(kPageSize);
  do {
    DBN_ASSIGN_OR_RETURN(v1::ListModelsResponse page, store_->ListModels(request));
    for (v1::Model& model : *page.mutable_models()) models.push_back(std::move(model));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return models;
}

absl::StatusOr<v1::Model> ModelRegistry::Resolve(const std::string& name) {
  if (name.empty()) return ResolveEmptyName();
  absl::StatusOr<v1::Model> model = store_->GetModel(name);
  if (!absl::IsNotFound(model.status())) return model;
  DBN_ASSIGN_OR_RETURN(const std::vector<v1::Model> models, AllModels());
  if (const v1::Model* aliased = FindAlias(models, name)) return *aliased;
  return model;
}

absl::StatusOr<v1::Model> ModelRegistry::ResolveEmptyName() {
  DBN_ASSIGN_OR_RETURN(const std::vector<v1::Model> models, AllModels());
  if (const v1::Model* aliased = FindAlias(models, kDefaultAlias)) return *aliased;
  if (models.size() == 1) return models.front();
  if (models.empty()) {
    return WithReason(absl::FailedPreconditionError("there is no model yet; train one first"), "NO_MODEL");
  }
  const auto append_name = [](std::string* out, const v1::Model& model) { out->append(model.name()); };
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("there are several models and none is the default; name one of: ",
                                                 absl::StrJoin(models, ", ", append_name))),
      "MODEL_NOT_NAMED");
}

void ModelRegistry::Forget(const std::string& name) {
  Entry dropped;  // Destroyed without the lock.
  MutexLock lock(&mutex_);
  const auto found = entries_.find(name);
  // One that is being loaded has callers that wait.
  if (found == entries_.end() || found->second.predictor == nullptr) return;
  dropped = std::move(found->second);
  entries_.erase(found);
}

bool ModelRegistry::IsLoaded(const std::string& name) {
  MutexLock lock(&mutex_);
  const auto found = entries_.find(name);
  return found != entries_.end() && found->second.predictor != nullptr;
}

std::vector<std::string> ModelRegistry::LoadedNames() {
  MutexLock lock(&mutex_);
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    if (entry.predictor != nullptr) names.push_back(name);
  }
  return names;
}

}  // namespace deepbindnet
