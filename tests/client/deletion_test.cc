// datasets, models and jobs delete against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/client/cli_fixture.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class DeletionTest : public CliTest {
 protected:
  DeletionTest() {
    service_.remove = [this](const std::string& what) {
      removed_.push_back(what);
      return grpc::Status::OK;
    };
    service_.get_status = [](v1::Job* job) {
      FillJob(v1::SUCCEEDED, 1, job);
      return grpc::Status::OK;
    };
  }

  // On a terminal where a person types `answers`.
  ExitCode RunAnd(const std::string& answers, std::vector<std::string> arguments) {
    out_.str("");
    err_.str("");
    std::istringstream in(answers);
    arguments.insert(arguments.begin(), {"--server", server_.address()});
    Console console(&out_, &err_, ConsoleMode::kPlain, 80, &in);
    return RunCli(arguments, &console, nullptr);
  }

  std::vector<std::string> removed_;
};

TEST_F(DeletionTest, APersonIsAskedForEachName) {
  EXPECT_EQ(RunAnd("y\nn\nyes\n", {"datasets", "delete", "a", "b", "c"}), ExitCode::kDone);
  EXPECT_THAT(removed_, ElementsAre("dataset/a", "dataset/c"));
  EXPECT_EQ(out_.str(), "deleted data set a\ndeleted data set c\n");
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Delete data set a? [y/N] "), HasSubstr("data set b is kept")));
}

TEST_F(DeletionTest, TheAnswerIsNoUnlessItIsYes) {
  for (const char* answer : {"\n", "", "no\n", "delete\n"}) {
    EXPECT_EQ(RunAnd(answer, {"models", "delete", "m"}), ExitCode::kDone);
  }
  EXPECT_THAT(removed_, IsEmpty());
}

TEST_F(DeletionTest, WithoutATerminalTheOptionIsNeeded) {
  for (const char* group : {"datasets", "models", "jobs"}) {
    EXPECT_EQ(Run({group, "delete", "a"}), ExitCode::kUsage);
    EXPECT_THAT(err_.str(), HasSubstr("error: --yes: is needed"));
  }
  EXPECT_THAT(removed_, IsEmpty());
}

TEST_F(DeletionTest, TheOptionIsTakenForAnAnswerOnATerminalToo) {
  EXPECT_EQ(RunAnd("", {"models", "delete", "m", "--yes"}), ExitCode::kDone);
  EXPECT_THAT(removed_, ElementsAre("model/m"));
  EXPECT_EQ(out_.str(), "deleted model m\n");
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(DeletionTest, AJobIsDeletedByItsId) {
  EXPECT_EQ(RunAnd("y\n", {"jobs", "delete", "m"}), ExitCode::kDone);
  EXPECT_THAT(removed_, ElementsAre("job/1"));
  EXPECT_THAT(err_.str(), HasSubstr("Delete job 1 (training m)? [y/N] "));
  EXPECT_EQ(out_.str(), "deleted job 1 (training m)\n");
}

TEST_F(DeletionTest, EachDeletionIsAnObjectInJsonMode) {
  ASSERT_EQ(Run({"--json", "datasets", "delete", "a", "b", "--yes"}), ExitCode::kDone);
  ASSERT_THAT(JsonLines(), SizeIs(2));
  EXPECT_EQ(JsonLines()[1].dump(), R"({"dataset":"b","type":"deleted"})");
  ASSERT_EQ(Run({"--json", "jobs", "delete", "m", "--yes"}), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0).dump(), R"({"job":"1","name":"m","type":"deleted"})");
}

TEST_F(DeletionTest, TheFirstErrorEndsItAndSaysWhatIsDeleted) {
  service_.remove = [this](const std::string& what) {
    removed_.push_back(what);
    if (what != "dataset/b") return grpc::Status::OK;
    return ErrorWithInfo(grpc::StatusCode::FAILED_PRECONDITION, "data set b is in use", "IN_USE");
  };
  EXPECT_EQ(Run({"datasets", "delete", "a", "b", "c", "d", "--yes"}), ExitCode::kFailed);
  EXPECT_THAT(removed_, ElementsAre("dataset/a", "dataset/b"));
  EXPECT_EQ(err_.str(), "error: data set b is in use; deleted before it: a; not tried: c, d\n");
  EXPECT_EQ(Run({"datasets", "delete", "b", "--yes"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: data set b is in use\n");
}

TEST_F(DeletionTest, ACallWhoseAnswerWasLostMayFindNothingTheSecondTime) {
  int call = 0;
  service_.remove = [&](const std::string&) {
    if (++call == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    return ErrorWithInfo(grpc::StatusCode::NOT_FOUND, "model m: there is none", "MODEL_NOT_FOUND");
  };
  EXPECT_EQ(Run({"models", "delete", "m", "--yes"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "deleted model m\n");
  EXPECT_EQ(Run({"models", "delete", "m", "--yes"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: model m: there is none\n");
}

TEST_F(DeletionTest, ASecondLossDoesNotSayThatNothingWasDeleted) {
  service_.remove = [](const std::string&) { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed"); };
  EXPECT_EQ(Run({"models", "delete", "m", "--yes"}), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("model m may be deleted or not: repeat the command"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("deleted")));
}

}  // namespace
}  // namespace deepbindnet::client
