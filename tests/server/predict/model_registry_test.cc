#include "server/predict/model_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/store/store.h"
#include "tests/server/predict/fake_predictor.h"
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

  void Make(int max_loaded) {
    registry_ = std::make_unique<ModelRegistry>(
        store_.get(), DataLayout{dir_.path()}, [this](const std::string& path) { return Load(path); }, max_loaded);
  }

  // The fake's digest is "digest of" the model's directory.
  absl::StatusOr<std::shared_ptr<const Predictor>> Load(const std::string& path) {
    loads_.push_back(path);
    if (!load_error_.ok()) return load_error_;
    if (on_load_) on_load_();
    const std::string name = std::filesystem::path(path).parent_path().filename();
    return std::make_shared<FakePredictor>(absl::StrCat("digest of ", name));
  }

  absl::StatusOr<LoadedModel> Get(const std::string& name) {
    std::optional<absl::StatusOr<LoadedModel>> answer;
    registry_->Get(name, [&answer](absl::StatusOr<LoadedModel> model) { answer = std::move(model); });
    return answer.has_value() ? *answer : absl::InternalError("not called");
  }

  TempDir dir_;
  std::unique_ptr<Store> store_;
  std::vector<std::string> loads_;
  absl::Status load_error_;
  std::function<void()> on_load_;
  std::unique_ptr<ModelRegistry> registry_;
};

TEST_F(ModelRegistryTest, LoadsOnFirstUseOnly) {
  AddStoredModel(store_.get(), "gated");
  ASSERT_OK_AND_ASSIGN(const LoadedModel first, Get("gated"));
  ASSERT_OK_AND_ASSIGN(const LoadedModel second, Get("gated"));
  EXPECT_EQ(first.predictor, second.predictor);
  EXPECT_EQ(first.name, "gated");
  EXPECT_THAT(loads_, ElementsAre(dir_ / "models/gated/best_model.pt"));
  EXPECT_TRUE(registry_->IsLoaded("gated"));
}

TEST_F(ModelRegistryTest, AliasMeansItsModel) {
  AddStoredModel(store_.get(), "gated", {"production"});
  ASSERT_OK_AND_ASSIGN(const LoadedModel model, Get("production"));
  EXPECT_EQ(model.name, "gated");
}

TEST_F(ModelRegistryTest, EmptyNameMeansTheOnlyModel) {
  EXPECT_THAT(Get(""), IsError(absl::StatusCode::kFailedPrecondition, "NO_MODEL", "train one first"));
  AddStoredModel(store_.get(), "gated");
  ASSERT_OK_AND_ASSIGN(const LoadedModel model, Get(""));
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
  ASSERT_OK_AND_ASSIGN(const LoadedModel model, Get(""));
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
  ASSERT_OK_AND_ASSIGN(const LoadedModel a, Get("a"));
  ASSERT_OK_AND_ASSIGN(const LoadedModel b, Get("b"));
  ASSERT_THAT(Get("a"), IsOk());
  ASSERT_THAT(Get("c"), IsOk());
  EXPECT_THAT(registry_->LoadedNames(), ElementsAre("a", "c"));
  EXPECT_EQ(b.predictor->info().digest, "digest of b");
  ASSERT_THAT(Get("b"), IsOk());
  EXPECT_EQ(loads_.size(), 4);
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

TEST_F(ModelRegistryTest, CallersShareOneLoad) {
  AddStoredModel(store_.get(), "gated");
  std::promise<void> loading;
  std::promise<void> may_finish;
  on_load_ = [&] {
    loading.set_value();
    may_finish.get_future().wait();
  };
  absl::StatusOr<LoadedModel> first = absl::InternalError("not called");
  std::thread loader([&] { first = Get("gated"); });
  loading.get_future().wait();
  // Returns at once although the model is not there yet.
  absl::StatusOr<LoadedModel> second = absl::InternalError("not called");
  registry_->Get("gated", [&second](absl::StatusOr<LoadedModel> model) { second = std::move(model); });
  EXPECT_FALSE(second.ok());
  may_finish.set_value();
  loader.join();
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->predictor, second->predictor);
  EXPECT_EQ(loads_.size(), 1);
}

}  // namespace
}  // namespace deepbindnet
