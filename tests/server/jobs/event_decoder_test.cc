#include "server/jobs/event_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/server/jobs/worker_events.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(EventDecoderTest, ReadsMessagesHoweverTheyAreCut) {
  const std::string long_text(300, 'x');  // Its size takes two bytes.
  const std::string bytes = Delimited(Log("a")) + Delimited(v1::WorkerEvent()) + Delimited(Log(long_text));
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    EventDecoder decoder;
    std::vector<v1::WorkerEvent> events;
    ASSERT_THAT(decoder.Feed(bytes.substr(0, cut), &events), IsOk());
    ASSERT_THAT(decoder.Feed(bytes.substr(cut), &events), IsOk());
    ASSERT_THAT(events, SizeIs(3)) << cut;
    EXPECT_EQ(events[0].log().text(), "a");
    EXPECT_EQ(events[2].log().text(), long_text);
  }
}

TEST(EventDecoderTest, KeepsAHalfMessageToItself) {
  const std::string bytes = Delimited(Log("a"));
  EventDecoder decoder;
  std::vector<v1::WorkerEvent> events;
  ASSERT_THAT(decoder.Feed(absl::string_view(bytes).substr(0, bytes.size() - 1), &events), IsOk());
  EXPECT_THAT(events, IsEmpty());
}

TEST(EventDecoderTest, AnUnreadableMessageBecomesAWarningAndTheNextIsRead) {
  EventDecoder decoder;
  std::vector<v1::WorkerEvent> events;
  ASSERT_THAT(decoder.Feed(std::string("\x02\xff\xff") + Delimited(Log("next")), &events), IsOk());
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].log().level(), v1::LogLine::WARNING);
  EXPECT_EQ(events[1].log().text(), "next");
}

TEST(EventDecoderTest, RefusesASizeOverTheLimit) {
  std::vector<v1::WorkerEvent> events;
  const std::string largest = "\x80\x80\x80\x08";  // 16 MiB, the limit.
  EXPECT_THAT(EventDecoder().Feed(largest, &events), IsOk());
  const std::string one_more = "\x81\x80\x80\x08";
  EXPECT_THAT(EventDecoder().Feed(one_more, &events),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "larger than"));
  const std::string no_varint(6, '\xff');
  EXPECT_THAT(EventDecoder().Feed(no_varint, &events),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "larger than"));
}

}  // namespace
}  // namespace deepbindnet
