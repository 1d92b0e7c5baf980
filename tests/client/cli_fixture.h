// Runs the command line against a service in this process.
#ifndef DEEPBINDNET_TESTS_CLIENT_CLI_FIXTURE_H_
#define DEEPBINDNET_TESTS_CLIENT_CLI_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli.h"
#include "tests/client/fake_service.h"

namespace deepbindnet::client {

// The journal's entry of a change to `to`.
inline v1::JobEvent StateChange(uint64_t sequence, v1::JobState to) {
  v1::JobEvent event;
  event.set_job_id("1");
  event.set_sequence(sequence);
  event.mutable_state_change()->set_to(to);
  return event;
}

// A training in `state` whose journal holds `last_sequence` events.
inline void FillJob(v1::JobState state, uint64_t last_sequence, v1::Job* job) {
  job->set_id("1");
  job->set_name("m");
  job->mutable_spec()->mutable_train();
  job->set_state(state);
  job->set_last_sequence(last_sequence);
  if (state == v1::SUCCEEDED) job->mutable_result()->mutable_training()->mutable_test()->set_pairs(3);
  if (state == v1::FAILED) job->mutable_error()->set_message("loss is NaN; lower --lr");
}

class CliTest : public testing::Test {
 protected:
  CliTest()
      : server_(&service_),
        directory_(std::filesystem::temp_directory_path() / absl::StrCat("dbn_cli_test_", getpid())) {
    std::filesystem::create_directories(directory_);
    service_.start_training = [](const v1::StartTrainingRequest&, v1::Job* job) {
      FillJob(v1::QUEUED, 1, job);
      return grpc::Status::OK;
    };
  }
  ~CliTest() override { std::filesystem::remove_all(directory_); }

  ExitCode Run(std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    arguments.insert(arguments.begin(), {"--server", server_.address()});
    Console console(&out_, &err_, ConsoleMode::kPlain);
    return RunCli(arguments, &console, nullptr);
  }

  std::vector<nlohmann::json> JsonLines() const {
    std::vector<nlohmann::json> lines;
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(out_.str(), '\n', absl::SkipEmpty()))) {
      lines.push_back(nlohmann::json::parse(line));
    }
    return lines;
  }

  std::vector<int> Epochs() const {
    std::vector<int> epochs;
    for (const nlohmann::json& line : JsonLines()) {
      if (line["type"] == "epoch") epochs.push_back(line["epoch"]);
    }
    return epochs;
  }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      names.push_back(entry.path().filename().string());
    return names;
  }

  FakeService service_;
  FakeServer server_;
  const std::filesystem::path directory_;
  std::ostringstream out_, err_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_TESTS_CLIENT_CLI_FIXTURE_H_
