// What docs/models.md says of the presets.
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "core/base/file.h"
#include "core/model/affinity_model.h"
#include "core/training/training_options.h"
#include "tests/support/synthetic_batch.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

// 1234567 as "1,234,567".
std::string Grouped(int64_t count) {
  std::string text = absl::StrCat(count);
  for (auto at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(at, ",");
  return text;
}

int64_t Parameters(const std::string& preset, ModelType type) {
  ModelOptions options = TrainingPreset(preset)->model;
  options.model_type = type;
  return CountParameters(*AffinityModel(options));
}

// Multiply-adds of the products of matrices in a forward pass, by the formulas of the page.
struct Cost {
  double molecule, protein, fusion, head;
  double Sum() const { return molecule + protein + fusion + head; }
};

Cost CostOf(const ModelOptions& options, double atoms, double tokens) {
  const double h = options.hidden_dim, f = options.feature_dim;
  const double rank = std::max(4.0, h / 2);
  return {options.drug_layers * atoms * 4 * h * h, tokens * 12 * h * h,
          options.fusion_layers * ((atoms + tokens) * 5 * h * h + 4 * atoms * tokens * h),
          (8 * h + 4) * f + f * f + 2 * 2 * h * rank + kLevels * (f + rank + 2 * 2 * h)};
}

thread_local double multiply_adds = 0;

std::unique_ptr<at::ObserverContext> CountProduct(const at::RecordFunction& call) {
  const std::string name = call.name();
  const size_t first = name == "aten::addmm" ? 1 : 0;
  if (first == 0 && name != "aten::mm" && name != "aten::bmm") return nullptr;
  const torch::Tensor left = call.inputs()[first].toTensor(), right = call.inputs()[first + 1].toTensor();
  multiply_adds += static_cast<double>(left.numel()) * static_cast<double>(right.size(-1));
  return nullptr;
}

// Of one pair, rows that only round up the batch included. In double precision, where LibTorch computes all products.
double CountMultiplyAdds(const ModelOptions& options, int atoms, int residues) {
  AffinityModel model(options);
  model->to(torch::kFloat64);
  model->eval();
  const SyntheticEntities entities({atoms}, {residues});
  PairBatch batch = entities.Batch({{0, 0}}, options.residues_per_token);
  batch.token_mask = batch.token_mask.to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  multiply_adds = 0;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(CountProduct).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  model->forward(batch);
  at::removeCallback(handle);
  return multiply_adds;
}

// "1.3 M", "21 M".
std::string Millions(double count) {
  return count < 1e7 ? absl::StrFormat("%.1f M", count / 1e6) : absl::StrFormat("%.0f M", count / 1e6);
}

class PresetsTest : public ::testing::Test {
 protected:
  void ExpectRow(const std::string& name, const std::string& small, const std::string& base) const {
    EXPECT_THAT(page_, HasSubstr(absl::StrCat("| ", name, " | ", small, " | ", base, " |\n")));
  }

  const std::string page_ = ReadFile(DEEPBINDNET_SOURCE_DIR "/docs/models.md").value_or("");
  const TrainingOptions small_ = *TrainingPreset("small"), base_ = *TrainingPreset("base");
};

TEST_F(PresetsTest, ParametersAreThoseDocumented) {
  for (const ModelType type : {ModelType::kGated, ModelType::kStandard}) {
    ExpectRow(absl::StrCat("trainable values, ", ModelTypeName(type)), Grouped(Parameters("small", type)),
              Grouped(Parameters("base", type)));
  }
}

TEST_F(PresetsTest, SizesAreThoseDocumented) {
  const auto row = [this](const std::string& flag, auto small, auto base) {
    ExpectRow(absl::StrCat("`--", flag, "`"), absl::StrCat(small), absl::StrCat(base));
  };
  row("hidden-dim", small_.model.hidden_dim, base_.model.hidden_dim);
  row("feature-dim", small_.model.feature_dim, base_.model.feature_dim);
  row("fusion-heads", small_.model.fusion_heads, base_.model.fusion_heads);
  row("fusion-layers", small_.model.fusion_layers, base_.model.fusion_layers);
  row("lr", small_.lr, base_.lr);
}

TEST_F(PresetsTest, WhatIsAlikeIsThatDocumented) {
  const std::string page = absl::StrReplaceAll(page_, {{"\n", " "}});
  for (const TrainingOptions& options : {small_, base_}) {
    EXPECT_THAT(page,
                HasSubstr(absl::StrCat(
                    "Everything else is alike: `--drug-layers ", options.model.drug_layers, "`, `--residues-per-token ",
                    options.model.residues_per_token, "`, `--max-sequence-length ", options.model.max_sequence_length,
                    "`, `--similarity-prior ", options.model.similarity_prior ? "true" : "false", "`, `--dropout-rate ",
                    options.model.dropout_rate, "`, `--feature-dropout-rate ", options.feature_dropout_rate,
                    "`, `--weight-decay ", options.weight_decay, "`, `--sam-rho ", options.sam_rho, "`, `--batch-size ",
                    options.batch_size, "`, `--ema-decay ", options.ema_decay, "`, `--loss ", LossName(options.loss),
                    "`, `--distribution-weight ", options.distribution_weight, "`.")));
  }
}

TEST_F(PresetsTest, APairCostsWhatTheFormulasSay) {
  for (const TrainingOptions& options : {small_, base_}) {
    // 64 atoms and, with two empty ones, 64 tokens: nothing is rounded up. Nobody attends to the empty ones.
    const double of_empty = options.model.fusion_layers * 4 * 64 * 2 * options.model.hidden_dim;
    EXPECT_EQ(CountMultiplyAdds(options.model, 64, 62 * options.model.residues_per_token),
              CostOf(options.model, 64, 64).Sum() - of_empty);
  }
}

TEST_F(PresetsTest, CostsAreThoseDocumented) {
  const Cost small = CostOf(small_.model, 27, 23), base = CostOf(base_.model, 27, 23);
  const auto row = [this](const std::string& part, double of_small, double of_base) {
    EXPECT_THAT(page_, ::testing::ContainsRegex(absl::StrCat("\\| ", part, " \\|[^|]*\\|[^|]*\\| ", Millions(of_small),
                                                             " \\| ", Millions(of_base), " \\|\n")));
  };
  row("molecule", small.molecule, base.molecule);
  row("protein", small.protein, base.protein);
  row("fusion", small.fusion, base.fusion);
  row("head", small.head, base.head);
}

}  // namespace
}  // namespace deepbindnet
