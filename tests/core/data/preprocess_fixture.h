// A data set of drugs with every target, and runs of the preprocessing on CSV files.
#ifndef DEEPBINDNET_TESTS_CORE_DATA_PREPROCESS_FIXTURE_H_
#define DEEPBINDNET_TESTS_CORE_DATA_PREPROCESS_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/data/preprocess.h"
#include "core/data/processed_dataset.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {

// Drugs with three scaffolds and none, ten targets, every combination.
inline std::string MakeGridCsv() {
  const std::vector<std::string> drugs = {"Cc1ccccc1", "CCc1ccccc1", "Oc1ccccc1", "Nc1ccccc1", "CC1CCCCC1", "OC1CCCCC1",
                                          "Cc1ccncc1", "Clc1ccncc1", "CCO",       "CCCO",      "CCN",       "CCCCN"};
  std::string csv = "smiles,sequence,pKd\n";
  for (size_t drug = 0; drug < drugs.size(); ++drug) {
    for (size_t target = 0; target < 10; ++target) {
      absl::StrAppend(&csv, drugs[drug], ",MK", std::string(target + 1, 'V'), ",",
                      5.0 + 0.1 * static_cast<double>(drug) + 0.01 * static_cast<double>(target), "\n");
    }
  }
  return csv;
}

class PreprocessTest : public ::testing::Test {
 protected:
  absl::StatusOr<DatasetManifest> Prepare(const std::string& csv, const PreprocessOptions& options = {}) {
    return Preprocess(dir_.Write("in.csv", csv), output(), options, nullptr);
  }
  ProcessedDataset Load() { return LoadProcessedDataset(output(), {Part::kTrain, Part::kVal, Part::kTest}).value(); }
  std::string output() const { return dir_ / "out"; }
  std::string Rejected() { return ReadFile(output() + "/rejected.csv").value(); }

  static PreprocessOptions With(SplitMethod method) {
    PreprocessOptions options;
    options.split.method = method;
    options.max_rejected = 1.0;
    if (method == SplitMethod::kColumn) options.split.split_column = "fold";
    return options;
  }
  // A few rows alone have none to spare.
  static PreprocessOptions WithoutValidation(SplitMethod method) {
    PreprocessOptions options = With(method);
    options.split.val_size = 0.0;
    return options;
  }

  const TempDir dir_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_CORE_DATA_PREPROCESS_FIXTURE_H_
