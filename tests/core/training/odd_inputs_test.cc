// Unusual molecules and proteins through preparation and training.
#include "tests/support/odd_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/csv_field.h"
#include "core/base/file.h"
#include "core/data/preprocess.h"
#include "core/training/trainer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

std::string Row(const std::string& smiles, const std::string& sequence, double affinity) {
  std::string row;
  AppendCsvField(smiles, &row);
  row.push_back(',');
  AppendCsvField(sequence, &row);
  return absl::StrCat(row, ",", affinity, "\n");
}

class OddInputsTrainingTest : public ::testing::Test {
 protected:
  OddInputsTrainingTest() {
    double affinity = 5;
    for (const std::string& smiles : OddSmiles()) {
      for (const std::string& sequence : OddSequences()) {
        csv_ += Row(smiles, sequence, affinity = std::fmod(affinity * 1.7, 4) + 4);
      }
    }
  }

  absl::StatusOr<DatasetManifest> Prepare() const {
    return Preprocess(dir_.Write("in.csv", csv_), data(), {}, nullptr);
  }

  absl::StatusOr<TrainingReport> RunTraining(bool mixed_precision) const {
    TrainingOptions options;
    options.model.hidden_dim = 16;
    options.model.feature_dim = 16;
    options.num_epochs = 2;
    options.batch_size = 64;
    options.mixed_precision = mixed_precision;
    options.device = "cpu";
    const std::atomic<bool> stop{false};
    SilentObserver observer;
    return Train(data(), dir_ / "model", options, /*resume=*/false, stop, &observer);
  }
  std::string data() const { return dir_ / "data"; }

  const TempDir dir_;
  std::string csv_ = "smiles,sequence,pKd\n";
};

TEST_F(OddInputsTrainingTest, AllAreTrainedOn) {
  ASSERT_OK_AND_ASSIGN(const DatasetManifest manifest, Prepare());
  EXPECT_EQ(manifest.rows_rejected, 0) << *ReadFile(data() + "/rejected.csv");
  EXPECT_EQ(manifest.drugs, static_cast<int64_t>(OddSmiles().size()));
  EXPECT_EQ(manifest.targets, static_cast<int64_t>(OddSequences().size()));
  for (const bool mixed_precision : {false, true}) {
    ASSERT_OK_AND_ASSIGN(const TrainingReport report, RunTraining(mixed_precision));
    EXPECT_TRUE(std::isfinite(report.val.rmse)) << mixed_precision;
    EXPECT_TRUE(std::isfinite(report.test.rmse)) << mixed_precision;
  }
}

TEST_F(OddInputsTrainingTest, WhatIsRefusedIsInRejectedCsvWithWhatToDo) {
  const std::string aspirin = "CC(=O)Oc1ccccc1C(=O)O";
  csv_ += Row("*CC", "MKTAY", 5) + Row("", "MKTAY", 5) + Row(aspirin, "MK-TAY", 5) + Row(aspirin, "", 5) +
          Row(aspirin, std::string(10001, 'A'), 5);
  ASSERT_OK_AND_ASSIGN(const DatasetManifest manifest, Prepare());
  EXPECT_EQ(manifest.rows_rejected, 5);
  const std::string rejected = *ReadFile(data() + "/rejected.csv");
  EXPECT_THAT(rejected, HasSubstr("INVALID_SMILES: SMILES '*CC' has a wildcard '*', which is no atom; give"));
  EXPECT_THAT(rejected, HasSubstr("INVALID_SEQUENCE: '-' at position 3 is the gap of an alignment; leave gaps out"));
  EXPECT_THAT(rejected, HasSubstr("SEQUENCE_TOO_LONG: the sequence has 10001 residues; at most 10000"));
  EXPECT_THAT(RunTraining(/*mixed_precision=*/false), IsOk());
}

}  // namespace
}  // namespace deepbindnet
