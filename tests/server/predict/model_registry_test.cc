#include "server/predict/model_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/store/store.h"
#include "tests/server/predict/fake_predictor.h"
#include "tests/server/predict/gate.h"
#include "tests/server/predict/stored_models.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ModelRegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(store_, Store::Open(dir_ / "deepbindnet.db"));
    Make(2);
  }

  void Make(int max_loaded, int max_waiting = 1000) {
    registry_ = std::make_unique<ModelRegistry>(
        store_.get(), DataLayout{dir_.path()}, [this](const std::string& path) { return Load(path); }, max_loaded,
        max_waiting);
  }

  // The fake's digest is "digest of" the model's directory.
  absl::StatusOr<std::shared_ptr<const Predictor>> Load(const std::string& path) {
    loads_.push_back(path);
    if (on_load_) on_load_();
    if (!load_error_.ok()) return load_error_;
    const std::string name = std::filesystem::path(path).parent_path().filename();
    return std::shared_ptr<const Predictor>(new FakePredictor(absl::StrCat("digest of ", name)),
                                            [this, name](const Predictor* predictor) {
                                              delete predictor;
                                              if (on_destroy_) on_destroy_(name);
                                            });
  }

  std::future<absl::StatusOr<ServedModel>> StartGet(const std::string& name) {
    auto answer = std::make_shared<std::promise<absl::StatusOr<ServedModel>>>();
    registry_->Get(name, [answer](absl::StatusOr<ServedModel> model) { answer->set_value(std::move(model)); });
    return answer->get_future();
  }
  absl::StatusOr<ServedModel> Get(const std::string& name) { return StartGet(name).get(); }

  TempDir dir_;
  std::unique_ptr<Store> store_;
  std::vector<std::string> loads_;
  absl::Status load_error_;
  std::function<void()> on_load_;
  std::function<void(const std::string& name)> on_destroy_;
  std::unique_ptr<ModelRegistry> registry_;
};

TEST_F(ModelRegistryTest, LoadsOnFirstUseOnly) {
  AddStoredModel(store_.get(), "gated");
  ASSERT_OK_AND_ASSIGN(const ServedModel first, Get("gated"));
  ASSERT_OK_AND_ASSIGN(const ServedModel second, Get("gated"));
  EXPECT_EQ(first.predictor, second.predictor);
  EXPECT_EQ(first.name, "gated");
  EXPECT_THAT(loads_, ElementsAre(dir_ / "models/gated/best_model.pt"));
  EXPECT_TRUE(registry_->IsLoaded("gated"));
}

TEST_F(ModelRegistryTest, AliasMeansItsModel) {
  AddStoredModel(store_.get(), "gated", {"production"});
  ASSERT_OK_AND_ASSIGN(const ServedModel model, Get("production"));
  EXPECT_EQ(model.name, "gated");
}

TEST_F(ModelRegistryTest, EmptyNameMeansTheOnlyModel) {
  EXPECT_THAT(Get(""), IsError(absl::StatusCode::kFailedPrecondition, "NO_MODEL", "train one first"));
  AddStoredModel(store_.get(), "gated");
  ASSERT_OK_AND_ASSIGN(const ServedModel model, Get(""));
  EXPECT_EQ(model.name, "gated");
}

TEST_F(ModelRegistryTest, EmptyNameWithSeveralModelsListsThem) {
  AddStoredModel(store_.get(), "gated");
  AddStoredModel(store_.get(), "standard");
  EXPECT_THAT(Get(""), IsError(absl::StatusCode::kFailedPrecondition, "MODEL_NOT_NAMED", "gated, standard"));
}

TEST_F(ModelRegistryTest, EmptyNamePrefersTheDefaultAlias) {
  AddStoredModel(store_.get(), "gated");
  AddStoredModel(store_.get(), "standard", {"default"});
  ASSERT_OK_AND_ASSIGN(const ServedModel model, Get(""));
  EXPECT_EQ(model.name, "standard");
}

TEST_F(ModelRegistryTest, UnknownNameIsNotFound) {
  AddStoredModel(store_.get(), "gated");
  const auto model = Get("other");
  EXPECT_EQ(model.status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(model.status().message(), "gated")) << model.status();
  EXPECT_THAT(loads_, IsEmpty());
}

TEST_F(ModelRegistryTest, LeastRecentlyUsedModelGoesAndStaysAliveInUse) {
  for (const char* name : {"a", "b", "c"}) AddStoredModel(store_.get(), name);
  ASSERT_OK_AND_ASSIGN(const ServedModel a, Get("a"));
  ASSERT_OK_AND_ASSIGN(const ServedModel b, Get("b"));
  ASSERT_THAT(Get("a"), IsOk());
  ASSERT_THAT(Get("c"), IsOk());
  EXPECT_THAT(registry_->LoadedNames(), ElementsAre("a", "c"));
  EXPECT_EQ(b.predictor->info().digest, "digest of b");
  ASSERT_THAT(Get("b"), IsOk());
  EXPECT_EQ(loads_.size(), 4);
}

TEST_F(ModelRegistryTest, DroppedModelIsDestroyedWithoutTheLock) {
  std::promise<std::vector<std::string>> left;
  on_destroy_ = [&](const std::string& name) {
    if (name == "a") left.set_value(registry_->LoadedNames());
  };
  for (const char* name : {"a", "b", "c"}) {
    AddStoredModel(store_.get(), name);
    ASSERT_THAT(Get(name), IsOk());
  }
  EXPECT_THAT(left.get_future().get(), ElementsAre("b", "c"));
  registry_.reset();
}

TEST_F(ModelRegistryTest, FailedLoadIsTriedAgain) {
  AddStoredModel(store_.get(), "gated");
  load_error_ = absl::NotFoundError("no such file");
  EXPECT_THAT(Get("gated"), IsError(absl::StatusCode::kDataLoss, "MODEL_NOT_LOADABLE", "cannot load model gated"));
  EXPECT_FALSE(registry_->IsLoaded("gated"));
  load_error_ = absl::OkStatus();
  EXPECT_THAT(Get("gated"), IsOk());
}

TEST_F(ModelRegistryTest, ReplacedCheckpointIsRefused) {
  AddStoredModel(store_.get(), "gated", {}, "another digest");
  EXPECT_THAT(Get("gated"), IsError(absl::StatusCode::kDataLoss, "MODEL_DIGEST_MISMATCH", "is not the one"));
}

TEST_F(ModelRegistryTest, OnlyWhatIsLostOrDamagedIsDataLoss) {
  AddStoredModel(store_.get(), "gated");
  const std::vector<std::pair<absl::Status, absl::StatusCode>> cases = {
      {absl::NotFoundError("why"), absl::StatusCode::kDataLoss},
      {absl::InvalidArgumentError("why"), absl::StatusCode::kDataLoss},
      {absl::InternalError("why"), absl::StatusCode::kInternal},
      {absl::ResourceExhaustedError("why"), absl::StatusCode::kResourceExhausted},
  };
  for (const auto& [error, code] : cases) {
    load_error_ = error;
    EXPECT_THAT(Get("gated"), IsError(code, "MODEL_NOT_LOADABLE", "cannot load model gated: why"));
  }
}

TEST_F(ModelRegistryTest, ExceptionFailsTheLoad) {
  AddStoredModel(store_.get(), "gated");
  on_load_ = [] { throw std::bad_alloc(); };
  EXPECT_THAT(Get("gated"), IsError(absl::StatusCode::kResourceExhausted, "MODEL_NOT_LOADABLE", "out of memory"));
}

TEST_F(ModelRegistryTest, WarmLoadsAndSaysWhyNot) {
  EXPECT_THAT(registry_->Warm("default"), IsOk());
  EXPECT_THAT(loads_, IsEmpty());
  AddStoredModel(store_.get(), "gated", {"default"});
  load_error_ = absl::NotFoundError("no such file");
  EXPECT_THAT(registry_->Warm("default"),
              IsError(absl::StatusCode::kDataLoss, "MODEL_NOT_LOADABLE", "cannot load model gated"));
  load_error_ = absl::OkStatus();
  EXPECT_THAT(registry_->Warm("default"), IsOk());
  EXPECT_TRUE(registry_->IsLoaded("gated"));
}

// The loading thread stands in Pass() until the test opens the gate.
class GatedModelRegistryTest : public ModelRegistryTest {
 protected:
  void SetUp() override {
    ModelRegistryTest::SetUp();
    for (const char* name : {"a", "b"}) AddStoredModel(store_.get(), name);
    on_load_ = [this] {
      if (loads_.size() == 1) gate_.Pass();
    };
  }

  Gate gate_;
};

TEST_F(GatedModelRegistryTest, CallersShareOneLoad) {
  auto first = StartGet("a");
  gate_.WaitUntilReached();
  auto second = StartGet("a");
  gate_.Open();
  ASSERT_OK_AND_ASSIGN(const ServedModel one, first.get());
  ASSERT_OK_AND_ASSIGN(const ServedModel other, second.get());
  EXPECT_EQ(one.predictor, other.predictor);
  EXPECT_EQ(loads_.size(), 1);
}

TEST_F(GatedModelRegistryTest, NobodyIsKeptFromModelsInMemory) {
  auto loading = StartGet("a");
  gate_.WaitUntilReached();
  auto waiting = StartGet("b");
  EXPECT_FALSE(registry_->IsLoaded("a"));
  EXPECT_THAT(registry_->LoadedNames(), IsEmpty());
  gate_.Open();
  EXPECT_THAT(loading.get(), IsOk());
  EXPECT_THAT(waiting.get(), IsOk());
  EXPECT_THAT(registry_->LoadedNames(), ElementsAre("a", "b"));
}

TEST_F(GatedModelRegistryTest, NoMoreCallersWaitThanAllowed) {
  Make(2, /*max_waiting=*/2);
  auto first = StartGet("a");
  gate_.WaitUntilReached();
  auto second = StartGet("b");
  for (const char* name : {"a", "b"}) {
    EXPECT_THAT(Get(name), IsError(absl::StatusCode::kResourceExhausted, "MODEL_LOADING", "too many calls wait"));
  }
  gate_.Open();
  EXPECT_THAT(first.get(), IsOk());
  EXPECT_THAT(second.get(), IsOk());
  EXPECT_THAT(Get("a"), IsOk());
}

}  // namespace
}  // namespace deepbindnet
