// The command line against a service in this process.
#include "client/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/files.h"
#include "client/pair_batch.h"
#include "tests/client/fake_service.h"

namespace deepbindnet::client {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

v1::JobEvent EpochEvent(uint64_t sequence, uint32_t epoch) {
  v1::JobEvent event;
  event.set_job_id("1");
  event.set_sequence(sequence);
  event.mutable_epoch()->set_epoch(epoch);
  event.mutable_epoch()->set_epochs(9);
  return event;
}

v1::JobEvent ProgressEvent(uint64_t sequence) {
  v1::JobEvent event;
  event.set_job_id("1");
  event.set_sequence(sequence);
  event.mutable_progress()->set_phase("training");
  return event;
}

// A finished training whose journal holds `last_sequence` events.
void FillJob(v1::JobState state, uint64_t last_sequence, v1::Job* job) {
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
  CliTest() : server_(&service_), directory_(fs::temp_directory_path() / absl::StrCat("dbn_cli_test_", getpid())) {
    fs::create_directories(directory_);
    service_.start_training = [](const v1::StartTrainingRequest&, v1::Job* job) {
      FillJob(v1::QUEUED, 1, job);
      return grpc::Status::OK;
    };
  }
  ~CliTest() override { fs::remove_all(directory_); }

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
    for (const auto& entry : fs::directory_iterator(directory_)) names.push_back(entry.path().filename().string());
    return names;
  }

  FakeService service_;
  FakeServer server_;
  const fs::path directory_;
  std::ostringstream out_, err_;
};

TEST_F(CliTest, TrainSendsEveryOptionInEitherSpelling) {
  v1::StartTrainingRequest sent;
  service_.start_training = [&](const v1::StartTrainingRequest& request, v1::Job* job) {
    sent = request;
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--hidden_dim", "32", "--dropout-rate=0.2",
                 "--mixed_precision", "--model_type", "standard", "--request-id", "r", "--detach"}),
            ExitCode::kDone);
  EXPECT_EQ(sent.spec().dataset(), "d");
  EXPECT_EQ(sent.spec().model(), "m");
  EXPECT_EQ(sent.spec().options().hidden_dim(), 32u);
  EXPECT_EQ(sent.spec().options().dropout_rate(), 0.2);
  EXPECT_TRUE(sent.spec().options().mixed_precision());
  EXPECT_EQ(sent.spec().options().model_type(), v1::STANDARD);
  EXPECT_FALSE(sent.spec().options().has_lr());
  EXPECT_EQ(sent.request_id(), "r");
  EXPECT_THAT(out_.str(), HasSubstr("jobs watch 1"));
}

TEST_F(CliTest, TrainMakesARequestIdOfItsOwn) {
  std::set<std::string> ids;
  service_.start_training = [&](const v1::StartTrainingRequest& request, v1::Job* job) {
    ids.insert(request.request_id());
    FillJob(v1::QUEUED, 1, job);
    return grpc::Status::OK;
  };
  Run({"train", "--dataset", "d", "--name", "m", "--detach"});
  Run({"train", "--dataset", "d", "--name", "m", "--detach"});
  EXPECT_THAT(ids, SizeIs(2));
  EXPECT_THAT(*ids.begin(), SizeIs(36));
}

TEST_F(CliTest, ARefusedCallIsOneLineAndExitCodeOne) {
  service_.start_training = [](const v1::StartTrainingRequest&, v1::Job*) {
    return ErrorWithInfo(grpc::StatusCode::INVALID_ARGUMENT, "lr: 7 is not in (0, 1]", "INVALID_FIELD",
                         {{"field", "lr"}, {"value", "7"}});
  };
  EXPECT_EQ(Run({"train", "--dataset", "d", "--name", "m", "--lr", "7"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: lr: 7 is not in (0, 1]\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CliTest, WatchingComesBackWithTheNextSequence) {
  // The first stream breaks after event 2 and repeats nothing; the second leaves event 3 out; the third repeats
  // event 2.
  int call = 0;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    const grpc::Status lost(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    switch (++call) {
      case 1:
        return {{EpochEvent(1, 1), ProgressEvent(1), EpochEvent(2, 2)}, lost};
      case 2:
        return {{EpochEvent(4, 4)}, lost};
      default:
        return {{EpochEvent(2, 2), EpochEvent(3, 3), EpochEvent(4, 4)}, grpc::Status::OK};
    }
  };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 4, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"--json", "jobs", "watch", "m"}), ExitCode::kDone);
  EXPECT_THAT(Epochs(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(service_.watched_from(), ElementsAre(1, 3, 3));
  EXPECT_EQ(JsonLines().back()["state"], "SUCCEEDED");
  EXPECT_TRUE(JsonLines().back().contains("test_mse"));
  EXPECT_THAT(err_.str(), HasSubstr("the connection was lost"));
}

TEST_F(CliTest, AStreamThatEndsBeforeTheJobIsOpenedAgain) {
  int call = 0;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    if (++call == 1) return {{EpochEvent(1, 1)}, grpc::Status::OK};
    return {{EpochEvent(2, 2)}, grpc::Status::OK};
  };
  service_.get_status = [&](v1::Job* job) {
    FillJob(call == 1 ? v1::RUNNING : v1::SUCCEEDED, call, job);
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"--json", "jobs", "watch", "1"}), ExitCode::kDone);
  EXPECT_THAT(Epochs(), ElementsAre(1, 2));
}

TEST_F(CliTest, WatchingGivesUpAfterTheReconnectTimeout) {
  service_.watch = [](uint64_t from) -> FakeService::Watch {
    const grpc::Status lost(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    if (from == 1) return {{EpochEvent(1, 1)}, lost};
    return {{}, lost};
  };
  EXPECT_EQ(Run({"--reconnect-timeout", "0.2", "jobs", "watch", "1"}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("did not come back"), HasSubstr("jobs watch 1")));
}

TEST_F(CliTest, WatchingFromASequenceAsksForIt) {
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{EpochEvent(5, 5)}, grpc::Status::OK}; };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 5, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"jobs", "watch", "1", "--from-sequence", "5"}), ExitCode::kDone);
  EXPECT_THAT(service_.watched_from(), ElementsAre(5));
  EXPECT_THAT(out_.str(), HasSubstr("epoch   5/9"));
}

TEST_F(CliTest, AFailedJobIsExitCodeOneAndItsEndIsTheLastLine) {
  service_.watch = [](uint64_t) -> FakeService::Watch { return {{}, grpc::Status::OK}; };
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::FAILED, 0, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"--json", "jobs", "watch", "1"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: training m (job 1) failed: loss is NaN; lower --lr\n");
  EXPECT_EQ(JsonLines().back()["state"], "FAILED");
  EXPECT_EQ(JsonLines().back()["error"]["message"], "loss is NaN; lower --lr");
}

TEST_F(CliTest, AnInterruptDetachesAndSaysHowToReattach) {
  Interrupt interrupt;
  service_.watch = [&](uint64_t) -> FakeService::Watch {
    interrupt.Raise();
    return {{}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed")};
  };
  Console console(&out_, &err_, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", server_.address(), "train", "--dataset", "d", "--name", "m"}, &console, &interrupt),
            ExitCode::kInterrupted);
  EXPECT_EQ(err_.str(), absl::StrCat("note: detached; job 1 goes on; re-attach: deepbindnet --server ",
                                     server_.address(), " jobs watch 1\n"));
}

TEST_F(CliTest, LogsPrintTheLogLinesThereAreAndDoNotWait) {
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::RUNNING, 2, job);
    return grpc::Status::OK;
  };
  service_.watch = [](uint64_t) -> FakeService::Watch {
    v1::JobEvent log;
    log.set_job_id("1");
    log.set_sequence(2);
    log.mutable_log()->set_level(v1::LogLine::WARNING);
    log.mutable_log()->set_text("3 rows rejected");
    return {{EpochEvent(1, 1), log, EpochEvent(3, 3)}, grpc::Status::OK};
  };
  EXPECT_EQ(Run({"jobs", "logs", "1"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "warning: 3 rows rejected\n");
}

TEST_F(CliTest, UploadSendsTheFileInChunksWithItsDigest) {
  const std::string contents(3 * (512 << 10) + 17, 'x');
  const std::string path = Write("data.csv", contents);
  ASSERT_EQ(
      Run({"datasets", "prepare", path, "--name", "d", "--split_column", "fold", "--val-size", "0.1", "--detach"}),
      ExitCode::kDone);
  EXPECT_EQ(service_.uploaded, contents);
  EXPECT_LE(service_.largest_chunk, 1u << 20);
  EXPECT_EQ(service_.upload_header.size_bytes(), contents.size());
  Sha256 sha256;
  sha256.Update(contents);
  EXPECT_EQ(service_.upload_header.sha256(), sha256.FinishHex());
  EXPECT_EQ(service_.upload_header.spec().dataset(), "d");
  EXPECT_EQ(service_.upload_header.spec().file_name(), "data.csv");
  EXPECT_EQ(service_.upload_header.spec().split().split_column(), "fold");
  EXPECT_FALSE(service_.upload_header.spec().split().has_test_size());
}

TEST_F(CliTest, UploadOfAMissingOrEmptyFileIsWrongUsage) {
  EXPECT_EQ(Run({"datasets", "prepare", Path("none.csv"), "--name", "d"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("none.csv"), HasSubstr("cannot be read")));
  EXPECT_EQ(Run({"datasets", "prepare", Write("empty.csv", ""), "--name", "d"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is empty"));
}

// Affinity = length of SMILES + 100 times the length of the sequence; a SMILES "bad" has an error.
grpc::Status PredictLengths(const v1::PredictRequest& request, v1::PredictResponse* response) {
  response->set_affinity_unit("pKd");
  response->set_model("m");
  response->set_model_digest("d1");
  for (const auto& pair : request.pairs()) {
    v1::Prediction* prediction = response->add_predictions();
    const std::string& smiles = request.smiles(pair.drug());
    if (smiles == "bad") {
      prediction->set_error("smiles: 'bad' cannot be read");
    } else {
      prediction->set_value(static_cast<double>(smiles.size() + 100 * request.sequences(pair.target()).size()));
    }
  }
  return grpc::Status::OK;
}

TEST_F(CliTest, PredictsOnePair) {
  service_.predict = PredictLengths;
  EXPECT_EQ(Run({"predict", "--model", "m", "--smiles", "[O-]", "--sequence", "MK"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "204.0000 pKd  (model m)\n");
  EXPECT_EQ(Run({"--json", "predict", "--smiles", "CC", "--sequence", "M"}), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0)["predicted_affinity"], 102.0);
}

TEST_F(CliTest, AnUnreadablePairIsOneLineAndExitCodeOne) {
  service_.predict = PredictLengths;
  EXPECT_EQ(Run({"predict", "--smiles", "bad", "--sequence", "MK"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: smiles: 'bad' cannot be read\n");
}

TEST_F(CliTest, PredictsATableAndKeepsItsColumns) {
  service_.predict = PredictLengths;
  const std::string input =
      Write("pairs.csv", "id,Drug,protein,error\n1,CC,M,old\n\"2,b\",bad,MK,\n3,C\xC3\xA9,M,\n4,CC,MKV,\n");
  ASSERT_EQ(Run({"predict", "--model", "m", "--input", input, "--output", Path("out.csv")}), ExitCode::kDone);
  EXPECT_EQ(Read("out.csv"),
            "id,Drug,protein,predicted_affinity,unit,error\n"
            "1,CC,M,102,pKd,\n"
            "\"2,b\",bad,MK,,,smiles: 'bad' cannot be read\n"
            "3,C\xC3\xA9,M,,,smiles: has a character that is not ASCII\n"
            "4,CC,MKV,302,pKd,\n");
  EXPECT_THAT(err_.str(), HasSubstr("line 3: smiles: 'bad' cannot be read"));
}

TEST_F(CliTest, ATableIsSentInChunksWithDistinctStringsOnce) {
  std::vector<v1::PredictRequest> requests;
  service_.predict = [&](const v1::PredictRequest& request, v1::PredictResponse* response) {
    requests.push_back(request);
    return PredictLengths(request, response);
  };
  std::string text = "smiles,sequence\n";
  for (int i = 0; i < PairBatch::kMaxPairs + 1; ++i) absl::StrAppend(&text, std::string(i % 3 + 1, 'C'), ",MKV\n");
  ASSERT_EQ(Run({"predict", "--input", Write("pairs.csv", text), "--output", Path("out.csv")}), ExitCode::kDone);
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].pairs_size(), PairBatch::kMaxPairs);
  EXPECT_EQ(requests[0].smiles_size(), 3);
  EXPECT_EQ(requests[0].sequences_size(), 1);
  EXPECT_EQ(requests[1].pairs_size(), 1);
}

TEST_F(CliTest, NothingIsLeftOfATableThatFails) {
  service_.predict = [](const v1::PredictRequest&, v1::PredictResponse*) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "model x: there is none");
  };
  const std::string input = Write("pairs.csv", "smiles,sequence\nC,M\n");
  EXPECT_EQ(Run({"predict", "--model", "x", "--input", input, "--output", Path("out.csv")}), ExitCode::kFailed);
  EXPECT_THAT(Files(), ElementsAre("pairs.csv"));
  EXPECT_EQ(Run({"predict", "--input", Write("pairs.csv", "smiles,sequence\nC"), "--output", Path("out.csv")}),
            ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is the file truncated?"));
  EXPECT_THAT(Files(), ElementsAre("pairs.csv"));
}

TEST_F(CliTest, AModelThatChangesBetweenChunksIsRefused) {
  int call = 0;
  service_.predict = [&](const v1::PredictRequest& request, v1::PredictResponse* response) {
    PredictLengths(request, response);
    response->set_model_digest(absl::StrCat("d", ++call));
    return grpc::Status::OK;
  };
  std::string text = "smiles,sequence\n";
  for (int i = 0; i < PairBatch::kMaxPairs + 1; ++i) absl::StrAppend(&text, "C,M\n");
  EXPECT_EQ(Run({"predict", "--model", "default", "--input", Write("pairs.csv", text), "--output", Path("out.csv")}),
            ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("--model: default moved"));
}

TEST_F(CliTest, DownloadsAModelsFilesWhole) {
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 1, job);
    job->add_artifacts("best_model.pt");
    job->add_artifacts("logs/events");
    return grpc::Status::OK;
  };
  Sha256 sha256;
  sha256.Update(service_.artifact);
  service_.artifact_digest = sha256.FinishHex();
  ASSERT_EQ(Run({"models", "download", "m", "--output-dir", Path("model")}), ExitCode::kDone);
  EXPECT_EQ(Read("model/best_model.pt"), "artifact");
  EXPECT_EQ(Read("model/logs/events"), "artifact");
}

TEST_F(CliTest, ADamagedOrStrayArtifactIsNotKept) {
  service_.artifact_digest = "0";
  EXPECT_EQ(Run({"models", "download", "m", "--output-dir", Path("model"), "--artifact", "a.pt"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("a.pt: came damaged"));
  EXPECT_FALSE(fs::exists(Path("model/a.pt")));
  EXPECT_EQ(Run({"models", "download", "m", "--output-dir", Path("model"), "--artifact", "../a.pt"}),
            ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("outside the directory"));
}

TEST_F(CliTest, SendsTheTokenAsMetadata) {
  service_.server_status = [](v1::ServerStatus* status) {
    status->set_version("9.9");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"--token-file", Write("token", "secret\n"), "server", "status"}), ExitCode::kDone);
  EXPECT_EQ(service_.authorization(), "Bearer secret");
  EXPECT_THAT(out_.str(), HasSubstr("version 9.9"));
}

TEST_F(CliTest, ATokenDoesNotLeaveTheMachineInTheClear) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  EXPECT_EQ(RunCli({"--server", "192.0.2.1:1", "--token-file", Write("token", "secret\n"), "server", "status"},
                   &console, nullptr),
            ExitCode::kUsage);
  EXPECT_THAT(err.str(), HasSubstr("add --tls, or --insecure"));
}

TEST_F(CliTest, WrongUsageIsOneLineThatNamesTheOption) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "A subcommand is required"},
      {{"train", "--name", "m"}, "--dataset is required"},
      {{"train", "--dataset", "d", "--name", "m", "--hiden_dim", "3"}, "--hiden-dim"},
      {{"train", "--dataset", "d", "--name", "m", "--lr", "fast"}, "--lr: 'fast' is not a number"},
      {{"datasets", "prepare", "f", "--name", "d", "--split", "cold"}, "--split: 'cold' is not one of random|"},
      {{"predict", "--smiles", "C"}, "give --smiles and --sequence"},
      {{"predict", "--smiles", "C", "--sequence", "M", "--input", "x"}, "give --smiles and --sequence"},
      {{"compare", "--models", "a", "--dataset", "d"}, "--models"},
      {{"jobs", "status", "\xff"}, "not UTF-8"},
      {{"jobs", "list", "--state", "asleep"}, "'asleep' is no state of a job"},
  };
  for (const auto& [arguments, message] : cases) {
    EXPECT_EQ(Run(arguments), ExitCode::kUsage) << message;
    EXPECT_THAT(err_.str(), AllOf(HasSubstr("error: "), HasSubstr(message)));
    EXPECT_EQ(err_.str().find('\n'), err_.str().size() - 1);
    EXPECT_THAT(out_.str(), IsEmpty());
  }
}

TEST_F(CliTest, NoServerIsExitCodeThree) {
  std::ostringstream out, err;
  Console console(&out, &err, ConsoleMode::kPlain);
  // Port 1 of loopback: nothing listens there, and nothing may without privileges.
  EXPECT_EQ(RunCli({"--server", "127.0.0.1:1", "server", "status"}, &console, nullptr), ExitCode::kUnreachable);
  EXPECT_THAT(err.str(), AllOf(HasSubstr("127.0.0.1:1"), Not(HasSubstr("ipv4:"))));
}

}  // namespace
}  // namespace deepbindnet::client
