// Trainings in several processes of the real worker.
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <torch/torch.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file_descriptor.h"
#include "core/model/checkpoint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/worker/worker_process.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> TrainArguments(const std::string& output_dir, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train",         "--data-dir", SyntheticDataset(), "--output-dir",
                                        output_dir,      "--json",     "--hidden-dim",     "8",
                                        "--feature-dim", "8",          "--fusion-heads",   "2",
                                        "--device",      "cpu"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// The epochs that a run printed.
std::vector<nlohmann::json> EpochsOf(const Finished& finished) {
  std::vector<nlohmann::json> epochs;
  for (const nlohmann::json& line : finished.Objects()) {
    if (line.contains("epoch")) epochs.push_back(line);
  }
  return epochs;
}

void ExpectWeights(const std::string& a, const std::string& b, double tolerance) {
  ASSERT_OK_AND_ASSIGN(const Checkpoint first, LoadCheckpoint(a));
  ASSERT_OK_AND_ASSIGN(const Checkpoint second, LoadCheckpoint(b));
  for (const auto& entry : first.weights) {
    const torch::Tensor x = entry.value().toTensor(), y = *GetTensor(second.weights, entry.key().toStringRef());
    EXPECT_LE((x - y).abs().max().item<double>(), tolerance) << entry.key();
  }
}

// The children of a process that it has not reaped.
std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::ifstream file(absl::StrCat("/proc/", parent, "/task/", parent, "/children"));
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

// One that was free a moment ago, on the loopback interface.
int FreePort() {
  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(listener.get(), any, size), 0);
  EXPECT_EQ(getsockname(listener.get(), any, &size), 0);
  return ntohs(address.sin_port);
}

v1::WorkerTask TwoProcessTask(const std::string& output_dir, uint32_t epochs) {
  v1::WorkerTask task;
  task.set_dataset_dir(SyntheticDataset());
  task.set_output_dir(output_dir);
  v1::TrainingOptions* const options = task.mutable_spec()->mutable_train()->mutable_options();
  MakeTiny(options);
  options->set_num_processes(2);
  options->set_num_epochs(epochs);
  options->set_patience(0);
  return task;
}

TEST(DistributedTrainingTest, TwoProcessesOfHalfTheBatchEqualOne) {
  const std::vector<std::string> common = {"--num-epochs",           "3", "--dropout-rate",         "0",
                                           "--feature-dropout-rate", "0", "--mixed-precision=false"};
  std::vector<std::string> of_one = common, of_two = common;
  of_one.insert(of_one.end(), {"--batch-size", "32"});
  of_two.insert(of_two.end(), {"--batch-size", "16", "--num-processes", "2"});
  const std::string one = TestDirectory("one"), two = TestDirectory("two");
  const Finished first = RunWorker(TrainArguments(one, of_one)), second = RunWorker(TrainArguments(two, of_two));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  ASSERT_EQ(second.exit_code, 0) << second.err;
  const auto a = EpochsOf(first), b = EpochsOf(second);
  ASSERT_EQ(a.size(), 3U);
  ASSERT_EQ(b.size(), 3U) << "one process reports";
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i]["train_loss"].get<double>(), b[i]["train_loss"].get<double>(), 1e-4);
    for (const char* const part : {"train", "val"}) {
      for (const char* const metric : {"mse", "rmse", "mae", "r2"}) {
        EXPECT_NEAR(a[i][part][metric].get<double>(), b[i][part][metric].get<double>(), 1e-4) << part << metric;
      }
    }
  }
  EXPECT_NEAR(first.Objects().back()["test_mse"].get<double>(), second.Objects().back()["test_mse"].get<double>(),
              1e-4);
  ExpectWeights(one + "/best_model.pt", two + "/best_model.pt", 1e-4);
}

TEST(DistributedTrainingTest, AStoppedRunOfTwoProcessesGoesOnBitForBit) {
  const std::string whole = TestDirectory("two_whole"), parts = TestDirectory("two_parts");
  {
    TaskProcess process(TwoProcessTask(whole, 30));
    process.Rest();
    ASSERT_EQ(process.Finish(), 0);
  }
  v1::WorkerTask task = TwoProcessTask(parts, 30);
  int stops = 0;
  for (;;) {
    TaskProcess process(task);
    task.set_resume(true);
    // Somewhere within the epochs that are to come.
    v1::WorkerEvent event;
    for (int progress = 0; progress < 5 && process.Next(&event);) progress += event.has_progress();
    process.Signal(SIGTERM);
    process.Rest();
    const int exit_code = process.Finish();
    if (exit_code == 0) break;
    ASSERT_EQ(exit_code, 75);
    ++stops;
  }
  EXPECT_GT(stops, 0);
  ExpectWeights(whole + "/best_model.pt", parts + "/best_model.pt", 0);
  ExpectWeights(whole + "/latest_checkpoint.pt", parts + "/latest_checkpoint.pt", 0);
}

TEST(DistributedTrainingTest, ARankThatIsKilledEndsTheOthersWithAnErrorThatNamesIt) {
  TaskProcess process(TwoProcessTask(TestDirectory("killed"), 100000));
  v1::WorkerEvent event;
  while (!event.has_epoch()) ASSERT_TRUE(process.Next(&event));
  const std::vector<pid_t> ranks = ChildrenOf(process.pid());
  ASSERT_EQ(ranks.size(), 1U);
  ASSERT_EQ(kill(ranks[0], SIGKILL), 0);
  const std::vector<v1::WorkerEvent> events = process.Rest();
  EXPECT_EQ(process.Finish(), 1);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().error().reason(), "RANK_LOST");
  EXPECT_THAT(events.back().error().message(), HasSubstr("rank 1 was killed by signal 9 (SIGKILL)"));
}

TEST(DistributedTrainingTest, TheOthersEndWithRank0) {
  TaskProcess process(TwoProcessTask(TestDirectory("first_killed"), 100000));
  v1::WorkerEvent event;
  while (!event.has_epoch()) ASSERT_TRUE(process.Next(&event));
  const std::vector<pid_t> ranks = ChildrenOf(process.pid());
  ASSERT_EQ(ranks.size(), 1U);
  const FileDescriptor rank(static_cast<int>(syscall(SYS_pidfd_open, ranks[0], 0)));
  ASSERT_GE(rank.get(), 0);
  process.Signal(SIGKILL);
  EXPECT_EQ(process.Finish(), 128 + SIGKILL);
  pollfd ended = {rank.get(), POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, /*timeout=*/-1), 1);
}

TEST(DistributedTrainingTest, MoreProcessesThanCoresAreRefused) {
  const Finished finished = RunWorker(TrainArguments(TestDirectory("many"), {"--num-processes", "1024"}));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("num_processes: 1024 is more than this machine's"));
}

// Two processes as a launcher such as torchrun starts them.
class LaunchedRanksTest : public testing::Test {
 protected:
  static Environment RankEnvironment(int rank, int port) {
    return {{"RANK", absl::StrCat(rank)}, {"LOCAL_RANK", absl::StrCat(rank)},  {"WORLD_SIZE", "2"},
            {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", absl::StrCat(port)}, {"OMP_NUM_THREADS", "1"}};
  }
};

TEST_F(LaunchedRanksTest, TrainTogetherAndRank0AloneReports) {
  const int port = FreePort();
  const std::string output = TestDirectory("launched");
  const auto arguments = TrainArguments(output, {"--num-epochs", "2", "--batch-size", "32"});
  Finished first, second;
  std::thread other([&] { second = RunWorker(arguments, RankEnvironment(1, port)); });
  first = RunWorker(arguments, RankEnvironment(0, port));
  other.join();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(EpochsOf(first).size(), 2U);
  EXPECT_EQ(first.Objects().back()["state"], "SUCCEEDED");
  EXPECT_THAT(second.out, IsEmpty());
}

TEST_F(LaunchedRanksTest, OtherOptionsThanThoseOfRank0AreRefused) {
  const int port = FreePort();
  Finished first, second;
  std::thread other([&] {
    second = RunWorker(TrainArguments(TestDirectory("differ"), {"--lr", "0.5"}), RankEnvironment(1, port));
  });
  first = RunWorker(TrainArguments(TestDirectory("differ"), {"--num-epochs", "100000"}), RankEnvironment(0, port));
  other.join();
  EXPECT_EQ(first.exit_code, 1);
  EXPECT_THAT(first.err, HasSubstr("rank 0 of 2: another process of this training has ended"));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("rank 1: its data set or options are not those of rank 0"));
}

TEST_F(LaunchedRanksTest, AVariableThatIsWrongIsWrongUsage) {
  Environment environment = RankEnvironment(0, 1);
  environment["RANK"] = "2";
  const Finished finished = RunWorker(TrainArguments(TestDirectory("wrong"), {}), environment);
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("RANK: 2 is not a whole number from 0 to 1"));
}

}  // namespace
}  // namespace deepbindnet
