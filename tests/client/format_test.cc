#include "client/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "client/console.h"
#include "client/proto_json.h"

namespace deepbindnet::client {
namespace {

TEST(FormatTest, MetricsHaveFourDecimalsOrADash) {
  EXPECT_EQ(FormatMetric(0.12345), "0.1235");
  EXPECT_EQ(FormatMetric(std::nan("")), "-");
}

TEST(FormatTest, SecondsShowHoursWhereThereAreAny) {
  EXPECT_EQ(FormatSeconds(-3), "0:00");
  EXPECT_EQ(FormatSeconds(59.6), "1:00");
  EXPECT_EQ(FormatSeconds(3723), "1:02:03");
}

TEST(FormatTest, TimeLeftIsRounded) {
  EXPECT_EQ(FormatTimeLeft(-1), "about 0 s left");
  EXPECT_EQ(FormatTimeLeft(44.6), "about 45 s left");
  EXPECT_EQ(FormatTimeLeft(725), "about 12 min left");
  EXPECT_EQ(FormatTimeLeft(3 * 3600 + 100), "about 3 h left");
  EXPECT_EQ(FormatTimeLeft(50 * 3600), "about 2 days left");
}

TEST(FormatTest, BytesChangeUnitAt1024) {
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(1.5 * 1024 * 1024), "1.5 MiB");
}

TEST(FormatTest, TimeIsUtc) {
  google::protobuf::Timestamp time;
  EXPECT_EQ(FormatTime(time), "-");
  time.set_seconds(86400 + 3661);
  EXPECT_EQ(FormatTime(time), "1970-01-02 01:01:01");
}

TEST(FormatTest, DirectionsHaveWords) {
  EXPECT_EQ(DirectionName(v1::HIGHER_BINDS_TIGHTER), "higher");
  EXPECT_EQ(DirectionName(v1::LOWER_BINDS_TIGHTER), "lower");
  EXPECT_EQ(DirectionName(v1::AFFINITY_DIRECTION_UNSPECIFIED), "unknown");
  EXPECT_EQ(DescribeDirection(v1::LOWER_BINDS_TIGHTER), "lower binds tighter");
  EXPECT_EQ(DescribeDirection(v1::AFFINITY_DIRECTION_UNSPECIFIED), "which binds tighter, higher or lower, is unknown");
}

TEST(FormatTest, EpochLineHasEveryFigureOfTheEpoch) {
  v1::EpochMetrics epoch;
  epoch.set_epoch(3);
  epoch.set_epochs(20);
  epoch.set_train_loss(0.5);
  epoch.mutable_train()->set_rmse(0.7);
  epoch.mutable_val()->set_rmse(0.8);
  epoch.mutable_val()->set_mae(0.6);
  epoch.mutable_val()->set_r2(0.4);
  epoch.mutable_val()->set_ci(0.75);
  epoch.set_gate_mean(0.5);
  epoch.set_learning_rate(0.002);
  epoch.set_pairs_per_second(1234.4);
  epoch.mutable_elapsed()->set_seconds(61);
  epoch.set_is_best(true);
  EXPECT_EQ(EpochLine(epoch),
            "epoch   3/20  loss 0.5000  train rmse 0.7000  val rmse 0.8000 mae 0.6000 r2 0.4000 ci 0.7500  gate 0.50  "
            "lr 2.0e-03  1234 pairs/s  1:01  best");
}

TEST(FormatTest, ProgressDetailLeavesOutWhatIsUnknown) {
  v1::Progress progress;
  EXPECT_EQ(ProgressDetail(progress), "");
  progress.set_done(4);
  progress.set_total(10);
  progress.set_unit("pairs");
  progress.set_rate(2.5);
  progress.mutable_eta()->set_seconds(90);
  EXPECT_EQ(ProgressDetail(progress), "4/10 pairs, 2.5 pairs/s, eta 1:30");
}

TEST(ProtoJsonTest, EpochHasErrorsForTrainAndEverythingForVal) {
  v1::EpochMetrics epoch;
  epoch.set_epoch(1);
  epoch.mutable_train()->set_mse(0.25);
  epoch.mutable_val()->set_ci(0.75);
  epoch.mutable_val()->set_r2(std::nan(""));
  epoch.mutable_elapsed()->set_nanos(500000000);
  const nlohmann::ordered_json json = EpochJson("j", 7, epoch);
  EXPECT_EQ(json["type"], "epoch");
  EXPECT_EQ(json["sequence"], 7);
  EXPECT_EQ(json["train"]["mse"], 0.25);
  EXPECT_FALSE(json["train"].contains("ci"));
  EXPECT_EQ(json["val"]["ci"], 0.75);
  EXPECT_EQ(json["elapsed_seconds"], 0.5);
  EXPECT_EQ(nlohmann::json::parse(json.dump())["val"]["r2"], nullptr);
}

TEST(ProtoJsonTest, EndOfATrainingIsFlat) {
  v1::Job job;
  job.set_id("j");
  job.set_name("m");
  job.set_state(v1::SUCCEEDED);
  job.mutable_spec()->mutable_train();
  v1::TrainingResult* result = job.mutable_result()->mutable_training();
  result->mutable_test()->set_pairs(2);
  result->mutable_test()->set_mse(0.5);
  result->mutable_test()->set_rm2(0.6);
  const nlohmann::ordered_json json = EndJson(job);
  EXPECT_EQ(json["state"], "SUCCEEDED");
  EXPECT_EQ(json["kind"], "TRAIN");
  EXPECT_EQ(json["test_mse"], 0.5);
  EXPECT_EQ(json["test_rm2"], 0.6);
  EXPECT_EQ(json["val_mse"], nullptr);  // No validation pairs.
}

TEST(ProtoJsonTest, CountsAreNumbersAndUnsetMessagesAreLeftOut) {
  v1::Dataset dataset;
  dataset.mutable_summary()->set_rows_read(1ULL << 40);
  dataset.mutable_create_time()->set_seconds(1);
  const nlohmann::ordered_json json = ToJson(dataset);
  EXPECT_EQ(json["summary"]["rows_read"], 1ULL << 40);
  EXPECT_EQ(json["create_time"], "1970-01-01T00:00:01.000Z");
  EXPECT_FALSE(json.contains("split"));
}

TEST(ProgressBarTest, FillsWithTheShare) {
  EXPECT_EQ(ProgressBar(0, 4), "[>...]");
  EXPECT_EQ(ProgressBar(0.5, 4), "[##>.]");
  EXPECT_EQ(ProgressBar(1, 4), "[####]");
  EXPECT_EQ(ProgressBar(7, 4), "[####]");
}

TEST(ConsoleTest, ATerminalsBarNeverWrapsAndIsErasedBeforeALine) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kTerminal, 30);
  console.Progress("uploading", 1, 2, "a detail that is longer than the terminal is wide");
  EXPECT_EQ(out.str().size(), std::string("\r\x1b[K").size() + 29);
  out.str("");
  console.Line("done");
  EXPECT_EQ(out.str(), "\r\x1b[Kdone\n");
}

TEST(ConsoleTest, APipeGetsLinesAlone) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  console.Progress("uploading", 1, 2, "");
  console.Json({{"a", 1}});
  console.Table({"A", "LONG"}, {{"wide cell", "x"}});
  EXPECT_EQ(out.str(), "A          LONG\nwide cell  x\n");
}

TEST(ConsoleTest, OnlyYesIsYes) {
  std::ostringstream out, err;
  std::istringstream in("y\n YES \nn\n\nyesterday\n");
  Console console(&out, &err, ConsoleMode::kPlain, 80, &in);
  for (const bool yes : {true, true, false, false, false}) EXPECT_EQ(console.Ask("Delete it?"), yes);
  EXPECT_FALSE(console.Ask("Delete it?"));  // Nobody is there any more.
  EXPECT_EQ(err.str().substr(0, 17), "Delete it? [y/N] ");
}

TEST(ConsoleTest, JsonModeWritesObjectsAlone) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kJson);
  console.Line("for people");
  console.Json({{"a", "\xff"}});
  console.Error(absl::NotFoundError("no"));
  EXPECT_EQ(out.str(), "{\"a\":\"\xEF\xBF\xBD\"}\n{\"type\":\"error\",\"code\":\"NOT_FOUND\",\"message\":\"no\"}\n");
  EXPECT_EQ(err.str(), "error: no\n");
}

}  // namespace
}  // namespace deepbindnet::client
