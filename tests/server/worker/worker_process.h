// The real deepbindnet-worker as a child process.
#ifndef DEEPBINDNET_TESTS_SERVER_WORKER_WORKER_PROCESS_H_
#define DEEPBINDNET_TESTS_SERVER_WORKER_WORKER_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "deepbindnet/v1/worker.pb.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "nlohmann/json.hpp"

namespace deepbindnet {

struct Finished {
  int exit_code = -1;  // 128 + the signal's number where a signal ended it.
  std::string out;
  std::string err;

  // Standard output line by line.
  std::vector<nlohmann::json> Objects() const;
};

// Variables that differ from this process's; an empty value is unset.
using Environment = std::map<std::string, std::string>;

// Runs the worker to its end; thread-safe.
Finished RunWorker(const std::vector<std::string>& arguments, const Environment& environment = {});

// Starts the worker without waiting; standard output is dropped, standard error is the test's. `inherited_fd` < 0:
// none.
pid_t StartWorker(const std::vector<std::string>& arguments, int inherited_fd);

// Waits for a child; the result is as Finished::exit_code.
int Wait(pid_t child);

// `deepbindnet-worker run` with the events' pipe at hand.
class TaskProcess {
 public:
  explicit TaskProcess(const v1::WorkerTask& task);
  ~TaskProcess();

  // False at the end of the events.
  bool Next(v1::WorkerEvent* event);
  // All events that are still to come.
  std::vector<v1::WorkerEvent> Rest();
  void Signal(int signal) const;
  pid_t pid() const { return child_; }
  // Exit code; closes the pipe first.
  int Finish();

 private:
  int read_fd_ = -1;
  pid_t child_ = 0;
  bool finished_ = false;
  std::unique_ptr<google::protobuf::io::FileInputStream> stream_;
};

// Writes `task` where the worker can read it.
std::string WriteTask(const v1::WorkerTask& task);

// A data set and its directory, made once in this process by the worker itself: 300 synthetic pairs.
const std::string& SyntheticCsv();
const std::string& SyntheticDataset();

// Path of a directory of this test program that does not exist yet.
std::string TestDirectory(const std::string& name);

// Options of a network so small that an epoch takes milliseconds.
void MakeTiny(v1::TrainingOptions* options);
std::vector<std::string> TinyFlags();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_WORKER_WORKER_PROCESS_H_
