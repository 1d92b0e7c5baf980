#include "server/rpc/dataset_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file.h"
#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;
using ::testing::IsEmpty;

class DatasetUploadTest : public ServiceTest {
 protected:
  static v1::PrepareDatasetRequest Header(const std::string& contents, const std::string& name = "kiba") {
    v1::PrepareDatasetRequest request;
    request.mutable_header()->mutable_spec()->set_dataset(name);
    request.mutable_header()->mutable_spec()->set_file_name("KIBA.csv");
    request.mutable_header()->set_size_bytes(contents.size());
    request.mutable_header()->set_sha256(Sha256Hex(contents));
    return request;
  }
  static v1::PrepareDatasetRequest Chunk(const std::string& bytes) {
    v1::PrepareDatasetRequest request;
    request.set_chunk(bytes);
    return request;
  }

  grpc::Status Send(const std::vector<v1::PrepareDatasetRequest>& messages, v1::Job* job) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const auto writer = stub_->PrepareDataset(&context, job);
    for (const v1::PrepareDatasetRequest& message : messages) {
      if (!writer->Write(message)) break;  // The server has answered already.
    }
    writer->WritesDone();
    return writer->Finish();
  }
  grpc::Status Send(const std::vector<v1::PrepareDatasetRequest>& messages) {
    v1::Job job;
    return Send(messages, &job);
  }

  std::vector<std::string> UploadsLeft() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(layout_.UploadsDir())) return names;
    for (const auto& entry : std::filesystem::directory_iterator(layout_.UploadsDir())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
};

TEST_F(DatasetUploadTest, WorkerGetsTheFile) {
  const std::string contents = "smiles,sequence,affinity\n" + std::string(1500000, 'x');
  v1::Job job;
  ASSERT_THAT(Send({Header(contents), Chunk(contents.substr(0, 1 << 20)), Chunk(contents.substr(1 << 20))}, &job),
              IsCallOk());
  EXPECT_EQ(job.name(), "kiba");
  EXPECT_EQ(job.spec().prepare_dataset().split().test_size(), 0.2);
  const auto worker = workers_.WaitFor(0);
  ASSERT_NE(worker, nullptr);
  ASSERT_OK_AND_ASSIGN(const std::string received, ReadFile(worker->task().input_file()));
  EXPECT_EQ(received, contents);
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

class FullDiskUploadTest : public DatasetUploadTest {
 protected:
  FullDiskUploadTest() { limits_.min_free_bytes = std::numeric_limits<uint64_t>::max(); }
};

TEST_F(FullDiskUploadTest, AFileThatLeavesTooLittleSpaceIsRefusedByItsHeader) {
  const grpc::Status status = Send({Header("abc"), Chunk("abc")});
  EXPECT_THAT(status, IsCallError(StatusCode::RESOURCE_EXHAUSTED, "DISK_FULL", "too little for a file of 0 MiB"));
  EXPECT_TRUE(HasRetryInfo(status));
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

TEST_F(DatasetUploadTest, WrongPriorityAndRestartsAreRefusedByTheHeader) {
  v1::PrepareDatasetRequest header = Header("abc");
  header.mutable_header()->set_priority(101);
  EXPECT_THAT(Send({header}), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "header.priority: 101"));
  header.mutable_header()->set_priority(-7);
  header.mutable_header()->set_max_restarts(101);
  EXPECT_THAT(Send({header}), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "header.max_restarts: 101"));
  header.mutable_header()->set_max_restarts(1);
  v1::Job job;
  ASSERT_THAT(Send({header, Chunk("abc")}, &job), IsCallOk());
  EXPECT_EQ(job.priority(), -7);
  EXPECT_EQ(job.max_restarts(), 1);
}

TEST_F(DatasetUploadTest, WrongDigestLeavesNothing) {
  v1::PrepareDatasetRequest header = Header("abc");
  EXPECT_THAT(Send({header, Chunk("abd")}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "header.sha256: "));
  EXPECT_THAT(UploadsLeft(), IsEmpty());
  EXPECT_EQ(engine_->Get("kiba").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(DatasetUploadTest, WrongSizeLeavesNothing) {
  EXPECT_THAT(Send({Header("abc"), Chunk("ab")}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "what was sent (2 bytes)"));
  EXPECT_THAT(Send({Header("abc"), Chunk("abcd")}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "less than what was sent"));
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

TEST_F(DatasetUploadTest, MessagesOutOfOrderAreRefused) {
  EXPECT_THAT(Send({Chunk("abc")}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "WRONG_MESSAGE_ORDER", "send the header first"));
  EXPECT_THAT(Send({Header("abc"), Header("abc")}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "WRONG_MESSAGE_ORDER", "second header"));
  EXPECT_THAT(Send({}), IsCallError(StatusCode::INVALID_ARGUMENT, "WRONG_MESSAGE_ORDER", "no header"));
  EXPECT_THAT(Send({v1::PrepareDatasetRequest()}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "WRONG_MESSAGE_ORDER", "neither a header nor a chunk"));
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

TEST_F(DatasetUploadTest, ChunkOverOneMebibyteIsRefused) {
  const std::string contents((1 << 20) + 1, 'x');
  EXPECT_THAT(Send({Header(contents), Chunk(contents)}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "chunk: 1048577 bytes"));
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

TEST_F(DatasetUploadTest, FileOverTheLimitIsRefusedByItsHeader) {
  v1::PrepareDatasetRequest header = Header("abc");
  header.mutable_header()->set_size_bytes((4 << 20) + 1);
  EXPECT_THAT(Send({header}), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "header.size_bytes: 4194305"));
}

TEST_F(DatasetUploadTest, WrongSpecIsRefusedByItsHeader) {
  EXPECT_THAT(Send({Header("abc", "../kiba")}),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "header.spec.dataset: ../kiba"));
  v1::PrepareDatasetRequest header = Header("abc");
  header.mutable_header()->mutable_spec()->mutable_split()->set_test_size(1.5);
  EXPECT_THAT(Send({header}), IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "test_size: 1.5"));
}

TEST_F(DatasetUploadTest, TakenNameIsRefusedBeforeTheFileIsSent) {
  AddDataset("kiba");
  EXPECT_THAT(Send({Header("abc")}), IsCallError(StatusCode::ALREADY_EXISTS, "NAME_TAKEN", "kiba"));
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

TEST_F(DatasetUploadTest, RepeatedRequestIdAnswersWithTheFirstJob) {
  v1::PrepareDatasetRequest header = Header("abc");
  header.mutable_header()->set_request_id("once");
  v1::Job first;
  v1::Job second;
  ASSERT_THAT(Send({header, Chunk("abc")}, &first), IsCallOk());
  ASSERT_THAT(Send({header, Chunk("abc")}, &second), IsCallOk());
  EXPECT_EQ(first.id(), second.id());
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

TEST_F(DatasetUploadTest, CancelledUploadLeavesNothing) {
  v1::Job job;
  {
    grpc::ClientContext context;
    const auto writer = stub_->PrepareDataset(&context, &job);
    ASSERT_TRUE(writer->Write(Header("abcdef")));
    ASSERT_TRUE(writer->Write(Chunk("abc")));
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), StatusCode::CANCELLED);
  }
  // Returns once every call has ended on the server too.
  server_.reset();
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

// PrepareDataset alone, on a server that begins to drain after it has accepted the header.
class DrainingService final : public v1::DeepBindNet::CallbackService {
 public:
  explicit DrainingService(DatasetUploadDependencies dependencies) : deps_(std::move(dependencies)) {
    deps_.check_accepting = [this] {
      return checks_++ == 0 ? absl::OkStatus() : WithReason(absl::UnavailableError("draining"), "SHUTTING_DOWN");
    };
  }
  grpc::ServerReadReactor<v1::PrepareDatasetRequest>* PrepareDataset(grpc::CallbackServerContext* context,
                                                                     v1::Job* response) override {
    return DatasetUpload::Start(deps_, context, DescribeCall(*context, "PrepareDataset"), nullptr, response);
  }

 private:
  DatasetUploadDependencies deps_;
  std::atomic<int> checks_{0};
};

TEST_F(DatasetUploadTest, DrainEndsAnUploadWithItsReasonAndLeavesNothing) {
  DrainingService service({engine_.get(), store_.get(), executor_.get(), layout_.UploadsDir(), 4 << 20, 0, nullptr});
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  stub_ = v1::DeepBindNet::NewStub(server->InProcessChannel({}));
  EXPECT_THAT(Send({Header("abc"), Chunk("abc")}), IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", "draining"));
  EXPECT_THAT(UploadsLeft(), IsEmpty());
}

TEST_F(DatasetUploadTest, DrainingServerRefuses) {
  service_->StartDraining();
  EXPECT_THAT(Send({Header("abc"), Chunk("abc")}), IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", ""));
}

}  // namespace
}  // namespace deepbindnet
