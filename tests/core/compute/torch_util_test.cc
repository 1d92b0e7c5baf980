#include "core/compute/torch_util.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>

#include "core/base/file.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CatchTorchTest, PassesResultsThrough) {
  EXPECT_TRUE(CatchTorch([] { return absl::OkStatus(); }).ok());
  EXPECT_EQ(CatchTorch([]() -> absl::StatusOr<int> { return 3; }).value(), 3);
  EXPECT_EQ(CatchTorch([]() -> absl::Status { return absl::AbortedError("x"); }), absl::AbortedError("x"));
}

TEST(CatchTorchTest, TorchErrorsBecomeInternalWithoutBacktrace) {
  const absl::Status status = CatchTorch([]() -> absl::Status {
    torch::matmul(torch::zeros({2, 3}), torch::zeros({2, 3}));
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("mat1 and mat2"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("frame #0")));
}

TEST(CatchTorchTest, OutOfMemoryBecomesResourceExhausted) {
  const auto throw_bad_alloc = []() -> absl::Status { throw std::bad_alloc(); };
  EXPECT_EQ(CatchTorch(throw_bad_alloc).code(), absl::StatusCode::kResourceExhausted);
  const auto ask_too_much = []() -> absl::Status {
    torch::empty({int64_t{1} << 46});
    return absl::OkStatus();
  };
  EXPECT_EQ(CatchTorch(ask_too_much).code(), absl::StatusCode::kResourceExhausted);
}

TEST(CheckShapeTest, MinusOneMatchesAnySize) {
  const torch::Tensor tensor = torch::zeros({2, 5});
  EXPECT_TRUE(CheckShape(tensor, "x", {2, 5}).ok());
  EXPECT_TRUE(CheckShape(tensor, "x", {-1, 5}).ok());
}

TEST(CheckShapeTest, MismatchNamesTensorAndBothShapes) {
  const absl::Status status = CheckShape(torch::zeros({2, 5}), "atom_features", {-1, 8});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "atom_features: shape [2, 5], expected [-1, 8]");
  EXPECT_FALSE(CheckShape(torch::zeros({2, 5}), "x", {2, 5, 1}).ok());
  EXPECT_FALSE(CheckShape(torch::Tensor(), "x", {1}).ok());
}

TEST(TensorDictTest, SurvivesDisk) {
  const TempDir dir;
  TensorDict dict = MakeTensorDict();
  dict.insert("weights", torch::arange(6, torch::kFloat64).view({2, 3}));
  dict.insert("name", std::string("gated"));
  ASSERT_TRUE(SaveDict(dir / "x.pt", dict).ok());
  const TensorDict loaded = LoadDict(dir / "x.pt").value();
  EXPECT_TRUE(torch::equal(GetTensor(loaded, "weights").value(), torch::arange(6, torch::kFloat64).view({2, 3})));
  EXPECT_EQ(GetString(loaded, "name").value(), "gated");
}

TEST(TensorDictTest, MissingOrMistypedEntriesAreNamed) {
  TensorDict dict = MakeTensorDict();
  dict.insert("name", std::string("gated"));
  const absl::Status missing = GetTensor(dict, "weights").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("weights"));
  EXPECT_EQ(GetTensor(dict, "name").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetString(dict, "weights").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(TensorDictTest, DamagedFilesAreInvalidAndNamed) {
  const TempDir dir;
  TensorDict dict = MakeTensorDict();
  dict.insert("weights", torch::zeros({1000}));
  ASSERT_TRUE(SaveDict(dir / "x.pt", dict).ok());
  const std::string whole = ReadFile(dir / "x.pt").value();
  for (const std::string& contents : {std::string(), std::string("text"), whole.substr(0, whole.size() / 2)}) {
    const absl::Status status = LoadDict(dir.Write("damaged.pt", contents)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("damaged.pt"));
  }
  EXPECT_EQ(LoadDict(dir / "missing.pt").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace deepbindnet
