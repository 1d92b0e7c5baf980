#include "server/worker/compare_models.h"

#include <utility>

#include "core/data/processed_dataset.h"
#include "core/inference/evaluate.h"

namespace deepbindnet {

absl::StatusOr<ModelComparisonRun> CompareModels(const std::vector<NamedCheckpoint>& models, const std::string& dataset,
                                                 const std::string& data_dir, const std::string& output_dir,
                                                 const CompareProgress& progress) {
  DBN_ASSIGN_OR_RETURN(const DatasetManifest manifest, LoadManifest(data_dir));
  ModelComparisonRun run;
  run.input.dataset = dataset;
  run.input.dataset_digest = manifest.digest;
  run.input.affinity_unit = manifest.affinity_unit;
  const int64_t total = static_cast<int64_t>(models.size());
  for (const NamedCheckpoint& model : models) {
    progress("evaluating", static_cast<int64_t>(run.input.models.size()), total);
    auto evaluation = Evaluate(model.checkpoint, data_dir, Part::kTest);
    if (!evaluation.ok()) return Annotate(evaluation.status(), model.name);
    run.input.truth = std::move(evaluation->pairs.affinity);
    run.input.models.push_back(
        {model.name, evaluation->model_type, evaluation->digest, std::move(evaluation->predicted)});
  }
  progress("drawing", total, total);
  DBN_ASSIGN_OR_RETURN(run.comparison, Compare(run.input));
  DBN_RETURN_IF_ERROR(WriteComparison(run.input, run.comparison, output_dir));
  return run;
}

}  // namespace deepbindnet
