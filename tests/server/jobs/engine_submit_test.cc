// What the engine accepts, and that it keeps it.
#include <filesystem>
#include <thread>

#include "server/jobs/worker_task.h"
#include "tests/server/jobs/engine_fixture.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SubmitTest : public EngineTest {
 protected:
  void SetUp() override {
    Open();
    MakeDataset();
  }
};

TEST_F(SubmitTest, IsDurableWhenItReturns) {
  ASSERT_OK_AND_ASSIGN(const v1::Job accepted, engine_->Submit(Training("m")));
  EXPECT_EQ(accepted.state(), v1::QUEUED);
  EXPECT_EQ(accepted.name(), "m");
  EXPECT_EQ(accepted.last_sequence(), 1u);
  EXPECT_TRUE(accepted.has_create_time());
  Reopen();
  EXPECT_EQ(Get(accepted.id()).spec().SerializeAsString(), accepted.spec().SerializeAsString());
  const auto events = Events(accepted.id());
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].state_change().to(), v1::QUEUED);
}

TEST_F(SubmitTest, DoesNotAcceptWhatItCannotStore) {
  faulty_store_->FailWrites(absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(engine_->Submit(Training("m")),
              IsError(absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", "disk full"));
  faulty_store_->FailWrites(absl::OkStatus());
  EXPECT_THAT(engine_->Submit(Training("m")), IsOk());
}

TEST_F(SubmitTest, AnswersARepeatedRequestWithTheFirstJobAlsoAfterReopen) {
  JobSubmission submission = Training("m");
  submission.request_id = "r1";
  const std::string id = Submit(submission);
  EXPECT_EQ(Submit(submission), id);
  Reopen();
  EXPECT_EQ(Submit(submission), id);
  ASSERT_OK_AND_ASSIGN(const auto jobs, engine_->List(v1::ListJobsRequest()));
  EXPECT_EQ(jobs.jobs_size(), 2);  // With the data set's.
}

TEST_F(SubmitTest, RefusesARequestIdForSomethingElse) {
  JobSubmission submission = Training("m");
  submission.request_id = "r1";
  Submit(submission);
  submission.spec.mutable_train()->mutable_options()->set_lr(0.5);
  EXPECT_THAT(engine_->Submit(submission), IsError(absl::StatusCode::kAlreadyExists, "REQUEST_ID_TAKEN", "r1"));
}

TEST_F(SubmitTest, OneRequestFromManyThreadsIsOneJob) {
  JobSubmission submission = Training("m");
  submission.request_id = "r1";
  std::vector<std::string> answers(8);
  std::vector<std::thread> callers;
  for (std::string& answer : answers) {
    callers.emplace_back([&] { answer = Submit(submission); });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::string& answer : answers) EXPECT_EQ(answer, answers[0]);
}

TEST_F(SubmitTest, TakesOverTheUpload) {
  const JobSubmission submission = Preparation("davis");
  const std::string id = Submit(submission);
  EXPECT_FALSE(std::filesystem::exists(submission.input_file));
  EXPECT_TRUE(std::filesystem::exists(InputFile(layout_, Get(id))));
  const auto worker = workers_->WaitFor(1);
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(worker->task().input_file(), InputFile(layout_, Get(id)));
  EXPECT_EQ(worker->task().dataset_dir(), layout_.DatasetDir("davis"));
}

TEST_F(SubmitTest, LeavesTheUploadOfARefusedJob) {
  const JobSubmission submission = Preparation("kiba");
  EXPECT_THAT(engine_->Submit(submission), IsError(absl::StatusCode::kAlreadyExists, "NAME_TAKEN", "\"kiba\""));
  EXPECT_TRUE(std::filesystem::exists(submission.input_file));
}

TEST_F(SubmitTest, RemovesTheUploadOfARepeatedRequest) {
  JobSubmission first = Preparation("davis");
  first.request_id = "r1";
  const std::string id = Submit(first);
  JobSubmission again = Preparation("davis");
  again.request_id = "r1";
  EXPECT_EQ(Submit(again), id);
  EXPECT_FALSE(std::filesystem::exists(again.input_file));
  EXPECT_TRUE(std::filesystem::exists(InputFile(layout_, Get(id))));
}

TEST_F(SubmitTest, APreparationNeedsItsUpload) {
  JobSubmission submission = Preparation("davis");
  submission.input_file = "";
  EXPECT_THAT(engine_->Submit(submission), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "input_file"));
  submission.input_file = dir_ / "none";
  EXPECT_THAT(engine_->Submit(submission),
              IsError(absl::StatusCode::kInternal, "INTERNAL", "cannot take over the upload: No such"));
}

TEST_F(SubmitTest, NamesADatasetOrModelThatIsNotThere) {
  JobSubmission training = Training("m");
  training.spec.mutable_train()->set_dataset("davis");
  EXPECT_THAT(engine_->Submit(training),
              IsError(absl::StatusCode::kNotFound, "DATASET_NOT_FOUND", "no data set \"davis\"; there are: kiba"));
  MakeModel("a");
  JobSubmission comparison;
  comparison.spec.mutable_compare()->set_dataset("kiba");
  comparison.spec.mutable_compare()->add_models("a");
  comparison.spec.mutable_compare()->add_models("b");
  EXPECT_THAT(engine_->Submit(comparison),
              IsError(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND", "no model \"b\"; there are: a"));
  comparison.spec.mutable_compare()->set_models(1, "a");
  comparison.spec.mutable_compare()->set_dataset("davis");
  EXPECT_THAT(engine_->Submit(comparison), IsError(absl::StatusCode::kNotFound, "DATASET_NOT_FOUND", "davis"));
}

TEST_F(SubmitTest, RefusesANameThatIsTaken) {
  MakeModel("m");
  EXPECT_THAT(engine_->Submit(Training("m")), IsError(absl::StatusCode::kAlreadyExists, "NAME_TAKEN", "model \"m\""));
  const std::string id = Submit(Training("n"));
  EXPECT_THAT(engine_->Submit(Training("n")), IsError(absl::StatusCode::kAlreadyExists, "NAME_TAKEN",
                                                      absl::StrCat("job ", id, " is at work on \"n\"")));
  EXPECT_THAT(engine_->Submit(Preparation("n")), IsOk());  // Data sets and models do not share their names.
}

TEST_F(SubmitTest, ANameIsFreeAgainAfterAFailure) {
  const std::string id = Submit(Training("m"));
  const auto worker = workers_->WaitFor(1);
  ASSERT_NE(worker, nullptr);
  worker->EmitError("BAD", "bad");
  worker->Exit(1);
  ASSERT_TRUE(AwaitState(id, v1::FAILED));
  EXPECT_THAT(engine_->Submit(Training("m")), IsOk());
}

TEST_F(SubmitTest, RefusesOneJobMoreThanAUserMayHave) {
  options_.max_jobs_per_user = 2;
  Reopen();
  const auto training_of = [](const std::string& user, const std::string& model) {
    JobSubmission submission = Training(model);
    submission.submitter = user;
    return submission;
  };
  const std::string running = Submit(training_of("alice", "a"));
  const std::string paused = Submit(training_of("alice", "b"));
  ASSERT_THAT(engine_->Pause(paused), IsOk());
  JobSubmission third = training_of("alice", "c");
  EXPECT_THAT(engine_->Submit(third),
              IsError(absl::StatusCode::kResourceExhausted, "TOO_MANY_JOBS", "alice has 2 jobs that have not ended"));
  third.validate_only = true;
  EXPECT_THAT(engine_->Submit(third), IsError(absl::StatusCode::kResourceExhausted, "TOO_MANY_JOBS", "alice"));
  EXPECT_THAT(engine_->Submit(training_of("bob", "c")), IsOk());
  ASSERT_THAT(engine_->Cancel(paused), IsOk());
  EXPECT_THAT(engine_->Submit(training_of("alice", "d")), IsOk());
}

TEST_F(SubmitTest, RefusesOneJobMoreThanMayWait) {
  options_.max_queued = 2;
  Reopen();
  Submit(Training("a"));
  ASSERT_NE(workers_->WaitFor(0), nullptr);
  Submit(Training("b"));
  Submit(Training("c"));
  EXPECT_THAT(engine_->Submit(Training("d")),
              IsError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "the queue is full: 2 jobs wait"));
  EXPECT_EQ(engine_->counts().queued, 2);
  EXPECT_EQ(engine_->counts().running, 1);
}

TEST_F(SubmitTest, ValidateOnlyChecksAndStoresNothing) {
  JobSubmission submission = Training("m");
  submission.validate_only = true;
  submission.priority = 7;
  ASSERT_OK_AND_ASSIGN(const v1::Job job, engine_->Submit(submission));
  EXPECT_EQ(job.id(), "");
  EXPECT_EQ(job.name(), "m");
  EXPECT_EQ(job.priority(), 7);
  EXPECT_THAT(engine_->Get("m"), IsError(absl::StatusCode::kNotFound, "JOB_NOT_FOUND", "\"m\""));
  submission.spec.mutable_train()->set_dataset("davis");
  EXPECT_THAT(engine_->Submit(submission), IsError(absl::StatusCode::kNotFound, "DATASET_NOT_FOUND", "davis"));
}

TEST_F(SubmitTest, AComparisonWithoutANameIsCalledAsItsId) {
  MakeModel("a");
  JobSubmission comparison;
  comparison.spec.mutable_compare()->set_dataset("kiba");
  comparison.spec.mutable_compare()->add_models("a");
  comparison.spec.mutable_compare()->add_models("a");
  const std::string id = Submit(comparison);
  EXPECT_EQ(Get(id).name(), id);
  EXPECT_THAT(engine_->Submit(comparison), IsOk());
}

TEST_F(SubmitTest, AnEmptySpecIsNamed) {
  EXPECT_THAT(engine_->Submit(JobSubmission()), IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "spec"));
}

TEST_F(SubmitTest, GetsByIdOrNewestOfAName) {
  const std::string first = Submit(Training("m"));
  const auto worker = workers_->WaitFor(1);
  ASSERT_NE(worker, nullptr);
  ASSERT_THAT(engine_->Cancel(first), IsOk());
  worker->Exit(75);
  ASSERT_TRUE(AwaitState(first, v1::CANCELLED));
  const std::string second = Submit(Training("m"));
  EXPECT_EQ(Get("m").id(), second);
  EXPECT_EQ(Get(first).state(), v1::CANCELLED);
}

TEST_F(EngineTest, NamesAnOptionOutOfRange) {
  engine_ = nullptr;
  for (const int slots : {0, 65}) {
    JobEngineOptions options = options_;
    options.slots = slots;
    EXPECT_THAT(JobEngineImpl::Create(options, store_.get(), JobEngineDependencies()),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", absl::StrCat("slots: ", slots)));
  }
  JobEngineOptions options = options_;
  options.max_queued = 0;
  EXPECT_THAT(JobEngineImpl::Create(options, store_.get(), JobEngineDependencies()),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "max_queued: 0"));
}

TEST_F(EngineTest, CreateNeedsAWorkerThatCanBeExecuted) {
  engine_ = nullptr;
  JobEngineOptions options = options_;
  options.worker_binary = dir_ / "none";
  EXPECT_THAT(JobEngine::Create(options, store_.get()),
              IsError(absl::StatusCode::kFailedPrecondition, "WORKER_NOT_FOUND", dir_ / "none"));
}

}  // namespace
}  // namespace deepbindnet
