#include "tests/server/worker/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "google/protobuf/util/delimited_message_util.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

constexpr char kWorker[] = DEEPBINDNET_WORKER;

// Everything that this process writes; removed when it ends.
const std::string& Root() {
  static const TempDir root;
  return root.path();
}

// Pointers into `strings`, as exec wants them.
std::vector<char*> Pointers(std::vector<std::string>* strings) {
  std::vector<char*> pointers;
  for (std::string& text : *strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Variables(const Environment& changes) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    if (changes.count(variable.substr(0, variable.find('='))) == 0) variables.push_back(variable);
  }
  for (const auto& [name, value] : changes) {
    if (!value.empty()) variables.push_back(absl::StrCat(name, "=", value));
  }
  return variables;
}

pid_t Spawn(const std::vector<std::string>& arguments, const Environment& environment, const std::string& out,
            const std::string& err, int inherited_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!err.empty()) {
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  }
  // A descriptor duplicated onto itself loses its close-on-exec flag in the child alone.
  if (inherited_fd >= 0) posix_spawn_file_actions_adddup2(&actions, inherited_fd, inherited_fd);
  std::vector<std::string> strings = {kWorker};
  strings.insert(strings.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = Variables(environment);
  pid_t child = -1;
  const int error =
      posix_spawn(&child, kWorker, &actions, nullptr, Pointers(&strings).data(), Pointers(&variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    std::fprintf(stderr, "cannot start %s: %s\n", kWorker, std::strerror(error));
    std::abort();  // A process id that is none must not reach kill().
  }
  return child;
}

std::string Read(const std::string& path) {
  const auto contents = ReadFile(path);
  EXPECT_TRUE(contents.ok()) << contents.status();
  return contents.ok() ? *contents : "";
}

}  // namespace

std::vector<nlohmann::json> Finished::Objects() const {
  std::vector<nlohmann::json> objects;
  for (const auto line : absl::StrSplit(out, '\n', absl::SkipEmpty())) {
    objects.push_back(nlohmann::json::parse(std::string(line)));
  }
  return objects;
}

Finished RunWorker(const std::vector<std::string>& arguments, const Environment& environment) {
  static std::atomic<int> runs{0};
  const std::string run = absl::StrCat(Root(), "/", ++runs), out = run + ".stdout", err = run + ".stderr";
  Finished finished;
  finished.exit_code = Wait(Spawn(arguments, environment, out, err, -1));
  finished.out = Read(out);
  finished.err = Read(err);
  return finished;
}

pid_t StartWorker(const std::vector<std::string>& arguments, int inherited_fd) {
  return Spawn(arguments, {}, "/dev/null", "", inherited_fd);
}

int Wait(pid_t child) {
  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

TaskProcess::TaskProcess(const v1::WorkerTask& task) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  read_fd_ = ends[0];
  child_ = StartWorker({"run", "--task", WriteTask(task), "--events-fd", absl::StrCat(ends[1])}, ends[1]);
  close(ends[1]);
  stream_ = std::make_unique<google::protobuf::io::FileInputStream>(read_fd_);
}

TaskProcess::~TaskProcess() {
  if (finished_) return;
  kill(child_, SIGKILL);
  Finish();
}

bool TaskProcess::Next(v1::WorkerEvent* event) {
  bool clean_end = false;
  const bool read = google::protobuf::util::ParseDelimitedFromZeroCopyStream(event, stream_.get(), &clean_end);
  EXPECT_TRUE(read || clean_end) << "the events end within a message";
  return read;
}

std::vector<v1::WorkerEvent> TaskProcess::Rest() {
  std::vector<v1::WorkerEvent> events;
  for (v1::WorkerEvent event; Next(&event);) events.push_back(event);
  return events;
}

void TaskProcess::Signal(int signal) const { kill(child_, signal); }

int TaskProcess::Finish() {
  stream_.reset();
  close(read_fd_);
  finished_ = true;
  return Wait(child_);
}

std::string WriteTask(const v1::WorkerTask& task) {
  const std::string path = Root() + "/task.pb";
  EXPECT_TRUE(WriteFileAtomically(path, task.SerializeAsString()).ok());
  return path;
}

const std::string& SyntheticCsv() {
  static const std::string path = [] {
    const std::string file = Root() + "/synthetic.csv";
    const Finished made = RunWorker({"synthesize", "--out", file, "--pairs", "300", "--seed", "3"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return file;
  }();
  return path;
}

const std::string& SyntheticDataset() {
  static const std::string path = [] {
    const std::string directory = Root() + "/synthetic";
    const Finished made = RunWorker({"preprocess", "--input_file", SyntheticCsv(), "--output_dir", directory});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return directory;
  }();
  return path;
}

std::string TestDirectory(const std::string& name) { return absl::StrCat(Root(), "/", name); }

void MakeTiny(v1::TrainingOptions* options) {
  options->set_hidden_dim(8);
  options->set_feature_dim(8);
  options->set_fusion_heads(2);
  options->set_num_epochs(2);
  options->set_batch_size(64);
}

std::vector<std::string> TinyFlags() {
  return {"--hidden_dim", "8", "--feature-dim", "8", "--fusion_heads", "2", "--num_epochs", "2", "--batch_size", "64"};
}

}  // namespace deepbindnet
