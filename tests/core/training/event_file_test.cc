#include "core/training/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::SizeIs;

WireMessage EventOf(int64_t step) { return WireMessage().Integer(2, step); }

std::vector<std::string> EventsOf(absl::string_view contents) {
  std::vector<std::string> events;
  ForEachEvent(contents, [&events](absl::string_view event) { events.emplace_back(event); });
  return events;
}

class EventFileTest : public ::testing::Test {
 protected:
  EventFile Create(int64_t seconds = 1700000000) {
    auto file = EventFile::Create(directory(), seconds);
    EXPECT_THAT(file, IsOk());
    return *std::move(file);
  }
  // A file with the events of steps 1 to `steps`, and its path.
  std::string WriteSteps(int64_t steps, int64_t seconds = 1700000000) {
    EventFile file = Create(seconds);
    for (int64_t step = 1; step <= steps; ++step) EXPECT_THAT(file.Append(0.5, EventOf(step)), IsOk());
    return file.path();
  }
  std::string directory() const { return dir_ / "run/logs"; }

  const TempDir dir_;
};

TEST_F(EventFileTest, RecordsAreFramedAsTfRecords) {
  EventFile file = Create();
  ASSERT_THAT(file.Append(1.0, WireMessage().Bytes(3, "brain.Event:2")), IsOk());
  // Length 24 and its checksum, the time, the version, the checksum of both; as TensorFlow writes it.
  EXPECT_EQ(absl::BytesToHexString(*ReadFile(file.path())),
            "1800000000000000"
            "a37f4b22"
            "09000000000000f03f"
            "1a0d627261696e2e4576656e743a32"
            "86bf577a");
}

TEST_F(EventFileTest, NamesSayWhenWhereAndWho) {
  const EventFile file = Create(42);
  const std::string name = std::filesystem::path(file.path()).filename().string();
  EXPECT_THAT(name, ::testing::StartsWith("events.out.tfevents.0000000042."));
  EXPECT_THAT(name, EndsWith(absl::StrCat(".", getpid())));
}

TEST_F(EventFileTest, ALaterFileIsReadLaterWhateverTheClockSays) {
  const std::string first = WriteSteps(1, 1700000000), second = WriteSteps(1, 1700000000);
  const std::string third = WriteSteps(1, 1600000000), fourth = WriteSteps(1, 1800000000);
  WriteTestFile(directory() + "/events.out.tfevents.strange", "");
  WriteTestFile(directory() + "/notes.txt", "");
  EXPECT_THAT(ListEventFiles(directory()),
              ElementsAre(first, second, third, fourth, EndsWith("events.out.tfevents.strange")));
}

TEST_F(EventFileTest, EveryEventIsInTheFileWhenAppendReturns) {
  EventFile file = Create();
  for (int64_t step = 1; step <= 3; ++step) {
    ASSERT_THAT(file.Append(0.5, EventOf(step)), IsOk());
    const std::vector<std::string> events = EventsOf(*ReadFile(file.path()));
    ASSERT_THAT(events, SizeIs(step));
    EXPECT_EQ(events.back(), WireMessage().Double(1, 0.5).Integer(2, step).bytes());
  }
}

TEST_F(EventFileTest, ATornEndCostsTheLastEventAlone) {
  const std::string contents = *ReadFile(WriteSteps(3));
  const size_t record = contents.size() / 3;
  for (size_t size = 0; size <= contents.size(); ++size) {
    EXPECT_THAT(EventsOf(contents.substr(0, size)), SizeIs(size / record)) << size;
  }
}

TEST_F(EventFileTest, ReadingEndsAtADamagedByte) {
  const std::string contents = *ReadFile(WriteSteps(3));
  const size_t record = contents.size() / 3;
  for (size_t at = 0; at < contents.size(); ++at) {
    std::string damaged = contents;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_THAT(EventsOf(damaged), SizeIs(at / record)) << at;
  }
}

TEST_F(EventFileTest, AKilledProcessLeavesWholeEvents) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto file = EventFile::Create(directory(), 1);
    for (int64_t step = 1; file.ok() && file->Append(0.5, EventOf(step)).ok(); ++step) {
      if (step == 1000 && write(ends[1], "x", 1) != 1) break;
    }
    _exit(1);
  }
  close(ends[1]);
  char byte = 0;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const std::string contents = *ReadFile(ListEventFiles(directory()).at(0));
  size_t whole = 0;
  const std::vector<std::string> events = EventsOf(contents);
  for (const std::string& event : events) whole += event.size() + 16;
  EXPECT_GE(events.size(), 1000U);
  EXPECT_LT(contents.size() - whole, 40U) << "less than a record is torn";
}

TEST_F(EventFileTest, AFullDiskIsAnError) {
  EventFile file = Create();
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit limited = before;
  limited.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  std::vector<absl::Status> results;
  for (int64_t step = 1; step <= 5; ++step) results.push_back(file.Append(0.5, EventOf(step)));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  // Records of 27 bytes: three fit, of the fourth a part, of the fifth nothing.
  for (int i = 0; i < 3; ++i) EXPECT_THAT(results[i], IsOk()) << i;
  EXPECT_THAT(results[3], IsError(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                                  absl::StrCat("cannot write more than 19 of 27 bytes of ", file.path())));
  EXPECT_FALSE(results[4].ok());
  EXPECT_THAT(EventsOf(*ReadFile(file.path())), SizeIs(3));
}

TEST_F(EventFileTest, APlaceThatIsNoDirectoryIsAnError) {
  WriteTestFile(directory(), "a file in the way");
  const absl::Status status = EventFile::Create(directory(), 1).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(directory()));
  EXPECT_THAT(ListEventFiles(directory()), IsEmpty());
}

TEST_F(EventFileTest, RemovesEventFilesAndNothingElse) {
  EXPECT_THAT(RemoveEventFiles(directory()), IsOk()) << "there is no such directory";
  WriteSteps(1);
  WriteSteps(1);
  WriteTestFile(directory() + "/notes.txt", "mine");
  EXPECT_THAT(RemoveEventFiles(directory()), IsOk());
  EXPECT_THAT(ListEventFiles(directory()), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(directory() + "/notes.txt"));
}

TEST_F(EventFileTest, MissingEventsAreThoseInNoFile) {
  WriteSteps(2);
  EventFile file = Create();
  ASSERT_THAT(file.Append(99.0, EventOf(5)), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto missing,
                       MissingEvents(directory(), {EventOf(1), EventOf(3), EventOf(5), EventOf(7)}));
  ASSERT_THAT(missing, SizeIs(2));
  EXPECT_EQ(missing[0].bytes(), EventOf(3).bytes());
  EXPECT_EQ(missing[1].bytes(), EventOf(7).bytes());
  ASSERT_OK_AND_ASSIGN(const auto all, MissingEvents(dir_ / "none", {EventOf(1)}));
  EXPECT_THAT(all, SizeIs(1));
}

}  // namespace
}  // namespace deepbindnet
