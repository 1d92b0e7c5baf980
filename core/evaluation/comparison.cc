#include "core/evaluation/comparison.h"

#include <cmath>
#include <limits>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/base/csv_field.h"
#include "core/base/file.h"
#include "core/evaluation/charts.h"
#include "core/evaluation/report.h"
#include "nlohmann/json.hpp"

namespace deepbindnet {
namespace {

using Json = nlohmann::ordered_json;

absl::Status Validate(const ComparisonInput& input) {
  if (input.models.size() < 2) {
    return InvalidField("models", absl::StrCat(input.models.size()), "are too few; give two or more");
  }
  if (input.truth.empty()) {
    return InvalidField("dataset", input.dataset, "has no pairs to compare on; prepare it with a test part");
  }
  if (!AllFinite(input.truth)) return InvalidField("dataset", input.dataset, "has an affinity that is not finite");
  std::set<std::string> names;
  for (const ModelPredictions& model : input.models) {
    if (!names.insert(model.name).second) {
      return InvalidField("models", model.name, "is named twice; name each model once");
    }
    if (model.predicted.size() != input.truth.size()) {
      return InvalidField("models", model.name,
                          absl::StrFormat("has %d predictions for %d pairs; predict every pair of the data set once",
                                          model.predicted.size(), input.truth.size()));
    }
    if (!AllFinite(model.predicted)) return InvalidField("models", model.name, "has a prediction that is not finite");
  }
  return absl::OkStatus();
}

double Percent(double gain, double reference) {
  return reference == 0.0 ? std::numeric_limits<double>::quiet_NaN() : 100.0 * gain / std::abs(reference);
}

std::string CsvNumber(double value) { return std::isnan(value) ? "NaN" : absl::StrFormat("%.9g", value); }

std::vector<std::pair<absl::string_view, double>> Improvements(const ModelComparison& model) {
  return {{"rmse_improvement_percent", model.rmse_improvement_percent},
          {"mae_improvement_percent", model.mae_improvement_percent},
          {"r2_improvement_percent", model.r2_improvement_percent}};
}

std::string MetricsCsv(const Comparison& comparison) {
  std::string csv = "model,model_type,pairs";
  for (const auto& [name, value] : NamedMetrics({})) absl::StrAppend(&csv, ",", name);
  for (const auto& [name, value] : Improvements({})) absl::StrAppend(&csv, ",", name);
  absl::StrAppend(&csv, "\n");
  for (const ModelComparison& model : comparison.models) {
    AppendCsvField(model.name, &csv);
    absl::StrAppend(&csv, ",", model.model_type, ",", model.metrics.pairs);
    for (const auto& [name, value] : NamedMetrics(model.metrics)) absl::StrAppend(&csv, ",", CsvNumber(value));
    for (const auto& [name, value] : Improvements(model)) absl::StrAppend(&csv, ",", CsvNumber(value));
    absl::StrAppend(&csv, "\n");
  }
  return csv;
}

std::string PredictionsCsv(const ComparisonInput& input) {
  std::string csv = "measured";
  for (const ModelPredictions& model : input.models) {
    csv.push_back(',');
    AppendCsvField(model.name, &csv);
  }
  absl::StrAppend(&csv, "\n");
  for (size_t i = 0; i < input.truth.size(); ++i) {
    absl::StrAppend(&csv, CsvNumber(input.truth[i]));
    for (const ModelPredictions& model : input.models) absl::StrAppend(&csv, ",", CsvNumber(model.predicted[i]));
    absl::StrAppend(&csv, "\n");
  }
  return csv;
}

std::string ReportJson(const ComparisonInput& input, const Comparison& comparison) {
  Json models = Json::array();
  for (size_t i = 0; i < comparison.models.size(); ++i) {
    const ModelComparison& model = comparison.models[i];
    Json entry = {{"name", model.name}, {"model_type", model.model_type}, {"digest", input.models[i].digest}};
    for (const auto& [name, value] : NamedMetrics(model.metrics)) entry["metrics"][std::string(name)] = value;
    for (const auto& [name, value] : Improvements(model)) entry[std::string(name)] = value;
    models.push_back(std::move(entry));
  }
  const Json report = {{"dataset", input.dataset},
                       {"dataset_digest", input.dataset_digest},
                       {"affinity_unit", input.affinity_unit},
                       {"pairs", input.truth.size()},
                       {"reference", comparison.models.front().name},
                       {"models", std::move(models)}};
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

absl::StatusOr<Comparison> Compare(const ComparisonInput& input) {
  DBN_RETURN_IF_ERROR(Validate(input));
  Comparison comparison;
  for (const ModelPredictions& model : input.models) {
    comparison.models.push_back({model.name, model.model_type, ComputeMetrics(input.truth, model.predicted)});
  }
  const RegressionMetrics reference = comparison.models.front().metrics;
  for (size_t i = 1; i < comparison.models.size(); ++i) {
    ModelComparison& model = comparison.models[i];
    model.rmse_improvement_percent = Percent(reference.rmse - model.metrics.rmse, reference.rmse);
    model.mae_improvement_percent = Percent(reference.mae - model.metrics.mae, reference.mae);
    model.r2_improvement_percent = Percent(model.metrics.r2 - reference.r2, reference.r2);
  }
  return comparison;
}

absl::Status WriteComparison(const ComparisonInput& input, const Comparison& comparison,
                             const std::string& output_dir) {
  DBN_RETURN_IF_ERROR(MakeDirectories(output_dir));
  const auto write = [&output_dir](absl::string_view name, absl::string_view contents) {
    return WriteFileAtomically(absl::StrCat(output_dir, "/", name), contents);
  };
  DBN_RETURN_IF_ERROR(write("metrics.csv", MetricsCsv(comparison)));
  DBN_RETURN_IF_ERROR(write("predictions.csv", PredictionsCsv(input)));
  DBN_RETURN_IF_ERROR(write("report.json", ReportJson(input, comparison)));
  DBN_ASSIGN_OR_RETURN(const std::vector<Chart> charts, DrawCharts(input, comparison));
  for (const Chart& chart : charts) {
    DBN_RETURN_IF_ERROR(write(chart.name + ".svg", chart.svg));
    DBN_RETURN_IF_ERROR(write(chart.name + ".png", chart.png));
  }
  return write("report.html", RenderReport(input, comparison, charts));
}

}  // namespace deepbindnet
