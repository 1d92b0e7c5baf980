// A worker that has done its job as soon as it starts: for measuring the server around the jobs. Called as
// deepbindnet-worker is; see proto/deepbindnet/v1/worker.proto.
#include <google/protobuf/util/delimited_message_util.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "deepbindnet/v1/worker.pb.h"

namespace {

using deepbindnet::v1::WorkerEvent;

void Send(int fd, const WorkerEvent& event) { google::protobuf::util::SerializeDelimitedToFileDescriptor(event, fd); }

}  // namespace

int main(int argc, char** argv) {
  std::string task_file;
  int events_fd = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) == "--task") task_file = argv[i + 1];
    if (std::string(argv[i]) == "--events-fd") events_fd = std::atoi(argv[i + 1]);
  }
  std::ifstream file(task_file, std::ios::binary);
  deepbindnet::v1::WorkerTask task;
  if (!task.ParseFromString({std::istreambuf_iterator<char>(file), {}}) || !task.spec().has_train()) return 2;
  mkdir(task.output_dir().c_str(), 0777);
  std::ofstream(task.output_dir() + "/best_model.pt") << "weights";
  WorkerEvent epoch;
  for (uint32_t i = 1; i <= task.spec().train().options().num_epochs(); ++i) {
    epoch.mutable_epoch()->set_epoch(i);
    epoch.mutable_epoch()->mutable_val()->set_rmse(1.0 / i);
    Send(events_fd, epoch);
  }
  WorkerEvent result;
  result.mutable_result()->mutable_training()->set_best_epoch(1);
  Send(events_fd, result);
  return 0;
}
