#include "core/training/summaries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "core/training/hparams.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;

std::string Hex(const WireMessage& message) { return absl::BytesToHexString(message.bytes()); }

TEST(SummariesTest, FileVersionIsBrainEvent2) {
  EXPECT_EQ(FileVersionEvent().bytes(),
            "\x1a\x0d"
            "brain.Event:2");
}

TEST(SummariesTest, SessionStartHasItsStep) {
  EXPECT_EQ(Hex(SessionStartEvent(300)),
            "10ac02"
            "3a020801");
}

TEST(SummariesTest, ScalarsOfOneStepAreOneEvent) {
  EXPECT_EQ(Hex(ScalarsEvent(3, {{"a", 1.0}, {"b", -2.0}})),
            "1003"
            "2a14"
            "0a080a0161150000803f"
            "0a080a016215000000c0");
}

TEST(SummariesTest, HistogramHasLimitsAndCounts) {
  UnitHistogram histogram;
  histogram.count = 1.0;
  histogram.limits = {0.5};
  histogram.counts = {1.0};
  EXPECT_EQ(Hex(HistogramsEvent(0, {{"g", histogram}})),
            "1000"
            "2a48"
            "0a46"
            "0a0167"
            "2a41"
            "090000000000000000"
            "110000000000000000"
            "19000000000000f03f"
            "210000000000000000"
            "290000000000000000"
            "3208000000000000e03f"
            "3a08000000000000f03f");
}

TEST(SummariesTest, TextIsAStringTensorOfThePluginText) {
  EXPECT_EQ(Hex(TextEvent(1, "t", "hi")),
            "1001"
            "2a1d"
            "0a1b"
            "0a0174"
            "4208"
            "0807"
            "1200"
            "42026869"
            "4a0c"
            "0a08"
            "0a0474657874"
            "1200"
            "2002");
}

TEST(HparamsTest, EveryOptionStandsInTheText) {
  TrainingOptions options;
  options.model.gate_kind = GateKind::kScalar;
  options.loss = Loss::kLogCosh;
  const std::string text = OptionsText(options);
  for (const char* part : {"\"gate_kind\": \"scalar\"", "\"loss\": \"log_cosh\"", "\"hidden_dim\": 64",
                           "\"mixed_precision\": true", "\"seed\": 42"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(HparamsTest, TheEndOfARunIsSuccessAndATime) {
  const std::string content =
      WireMessage().Integer(1, 0).Message(4, WireMessage().Integer(1, 1).Double(2, 5.0)).bytes();
  EXPECT_THAT(RunEndEvent(5.0).bytes(), HasSubstr(content));
  EXPECT_THAT(RunEndEvent(5.0).bytes(), HasSubstr("_hparams_/session_end_info"));
}

}  // namespace
}  // namespace deepbindnet
