#include "server/worker/event_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "gtest/gtest.h"

namespace deepbindnet {
namespace {

class EventWriterTest : public testing::Test {
 protected:
  EventWriterTest() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    // Room for what a test writes before it reads.
    fcntl(ends_[1], F_SETPIPE_SZ, 1 << 20);
  }
  ~EventWriterTest() override {
    CloseWriter();
    if (ends_[0] >= 0) close(ends_[0]);
  }

  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

  std::vector<v1::WorkerEvent> ReadAll() {
    CloseWriter();
    google::protobuf::io::FileInputStream stream(ends_[0]);
    std::vector<v1::WorkerEvent> events;
    bool clean_end = false;
    for (v1::WorkerEvent event;
         google::protobuf::util::ParseDelimitedFromZeroCopyStream(&event, &stream, &clean_end);) {
      events.push_back(event);
    }
    EXPECT_TRUE(clean_end);
    return events;
  }

  v1::Progress Progress(const std::string& phase, uint64_t done) {
    v1::Progress progress;
    progress.set_phase(phase);
    progress.set_done(done);
    return progress;
  }

  int ends_[2] = {-1, -1};
  std::chrono::steady_clock::time_point now_{};
  EventWriter::Clock clock_ = [this] { return now_; };
};

TEST_F(EventWriterTest, PassesProgressFiveTimesASecondAndEveryEpoch) {
  EventWriter writer(ends_[1], clock_);
  for (uint64_t i = 0; i < 100; ++i) {  // Two seconds.
    writer.Progress(Progress("training", i));
    writer.Epoch(v1::EpochMetrics());
    now_ += std::chrono::milliseconds(20);
  }
  std::vector<uint64_t> done;
  int epochs = 0;
  for (const v1::WorkerEvent& event : ReadAll()) {
    if (event.has_progress()) done.push_back(event.progress().done());
    epochs += event.has_epoch() ? 1 : 0;
  }
  EXPECT_EQ(done, (std::vector<uint64_t>{0, 10, 20, 30, 40, 50, 60, 70, 80, 90}));
  EXPECT_EQ(epochs, 100);
}

TEST_F(EventWriterTest, PassesTheFirstProgressOfEachPhase) {
  EventWriter writer(ends_[1], clock_);
  for (const char* const phase : {"reading", "reading", "featurising", "writing", "writing"}) {
    writer.Progress(Progress(phase, 0));
  }
  EXPECT_EQ(ReadAll().size(), 3u);
}

TEST_F(EventWriterTest, MessagesOfSeveralThreadsStayWhole) {
  EventWriter writer(ends_[1]);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&writer] {
      for (int i = 0; i < 50; ++i) writer.Log(v1::LogLine::INFO, std::string(1000, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<v1::WorkerEvent> events = ReadAll();
  ASSERT_EQ(events.size(), 200u);
  for (const v1::WorkerEvent& event : events) EXPECT_EQ(event.log().text(), std::string(1000, 'x'));
}

TEST_F(EventWriterTest, ReportsThatNobodyReads) {
  signal(SIGPIPE, SIG_IGN);
  EventWriter writer(ends_[1]);
  writer.Log(v1::LogLine::INFO, "read");
  EXPECT_TRUE(writer.status().ok());
  close(ends_[0]);
  ends_[0] = -1;
  writer.Result(v1::JobResult());
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kCancelled);
}

TEST_F(EventWriterTest, ChildrenDoNotInheritThePipe) {
  fcntl(ends_[1], F_SETFD, 0);
  EventWriter writer(ends_[1]);
  EXPECT_NE(fcntl(ends_[1], F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace deepbindnet
