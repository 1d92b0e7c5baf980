#include "core/inference/evaluate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/compute/torch_util.h"
#include "core/model/checkpoint.h"
#include "core/model/mixed_precision.h"
#include "core/model/predict_pairs.h"

namespace deepbindnet {
namespace {

PairTable TakePart(ProcessedDataset* dataset, Part part) {
  switch (part) {
    case Part::kTrain:
      return std::move(dataset->train);
    case Part::kVal:
      return std::move(dataset->val);
    case Part::kTest:
      return std::move(dataset->test);
  }
  return {};
}

absl::Status CheckUnits(const Checkpoint& checkpoint, const DatasetManifest& manifest) {
  const std::string &trained = checkpoint.affinity_unit, &measured = manifest.affinity_unit;
  if (trained.empty() || measured.empty() || trained == measured) return absl::OkStatus();
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat("the model predicts ", trained, " and the data set holds ", measured,
                                                 "; take a data set in the model's unit")),
      "OTHER_UNIT", {{"model_unit", trained}, {"dataset_unit", measured}});
}

}  // namespace

absl::StatusOr<Evaluation> Evaluate(const std::string& checkpoint_path, const std::string& data_dir, Part part) {
  return CatchTorch([&]() -> absl::StatusOr<Evaluation> {
    DBN_ASSIGN_OR_RETURN(const torch::Device device, ParseDevice("auto"));
    DBN_ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModel(checkpoint_path, device));
    const Checkpoint& checkpoint = loaded.checkpoint;
    DBN_ASSIGN_OR_RETURN(ProcessedDataset dataset, LoadProcessedDataset(data_dir, {part}));
    DBN_RETURN_IF_ERROR(CheckUnits(checkpoint, dataset.manifest));
    DBN_RETURN_IF_ERROR(Annotate(
        MatchFeatures(checkpoint.protein_vectors, checkpoint.options.protein_feature_dim, &dataset), data_dir));
    Evaluation evaluation;
    evaluation.model_type = std::string(ModelTypeName(checkpoint.options.model_type));
    evaluation.affinity_unit = checkpoint.affinity_unit;
    evaluation.digest = loaded.digest;
    evaluation.pairs = TakePart(&dataset, part);
    if (evaluation.pairs.size() == 0) {
      return WithReason(
          absl::FailedPreconditionError(absl::StrCat(
              data_dir, ": the part asked for has no pairs; prepare the data set with a larger share for it")),
          "EMPTY_PART");
    }
    for (const int32_t target : evaluation.pairs.target) {
      const size_t residues = dataset.proteins[target].tokens.size();
      DBN_RETURN_IF_ERROR(Annotate(CheckSequenceLength(residues, checkpoint.options), data_dir));
    }
    evaluation.predicted = PredictAffinities(loaded.model, device, dataset, evaluation.pairs, checkpoint.scaler);
    evaluation.metrics = ComputeMetrics(evaluation.pairs.affinity, evaluation.predicted);
    return evaluation;
  });
}

}  // namespace deepbindnet
