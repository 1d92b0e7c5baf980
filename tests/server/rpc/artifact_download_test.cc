#include "server/rpc/artifact_download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "tests/server/rpc/service_fixture.h"

namespace deepbindnet {
namespace {

using grpc::StatusCode;

class ArtifactDownloadTest : public ServiceTest {
 protected:
  // A finished training of "gated" with one artifact.
  void AddArtifact(const std::string& name, const std::string& contents) {
    v1::Job job;
    job.set_id("trained");
    job.set_name("gated");
    job.mutable_spec()->mutable_train()->set_model("gated");
    job.set_state(v1::SUCCEEDED);
    job.add_artifacts(name);
    ASSERT_THAT(store_->InsertJob(&job, {}), IsOk());
    WriteTestFile(layout_.ModelDir("gated") + "/" + name, contents);
  }

  grpc::Status Download(const std::string& job, const std::string& artifact,
                        std::vector<v1::DownloadArtifactResponse>* responses) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::DownloadArtifactRequest request;
    request.set_job(job);
    request.set_artifact(artifact);
    const auto reader = stub_->DownloadArtifact(&context, request);
    v1::DownloadArtifactResponse response;
    while (reader->Read(&response)) responses->push_back(response);
    return reader->Finish();
  }
};

TEST_F(ArtifactDownloadTest, FileComesInChunksWithSizeFirstAndDigestLast) {
  std::string contents;
  for (int i = 0; contents.size() < 1000000; ++i) contents += std::to_string(i);
  AddArtifact("logs/events.out", contents);
  std::vector<v1::DownloadArtifactResponse> responses;
  ASSERT_THAT(Download("gated", "logs/events.out", &responses), IsCallOk());
  ASSERT_GT(responses.size(), 1);
  EXPECT_EQ(responses.front().size_bytes(), contents.size());
  EXPECT_EQ(responses.front().sha256(), "");
  EXPECT_EQ(responses.back().sha256(), Sha256Hex(contents));
  std::string received;
  for (const auto& response : responses) {
    EXPECT_LE(response.chunk().size(), 1 << 20);
    received += response.chunk();
  }
  EXPECT_EQ(received, contents);
}

TEST_F(ArtifactDownloadTest, EmptyFileIsOneMessage) {
  AddArtifact("empty.csv", "");
  std::vector<v1::DownloadArtifactResponse> responses;
  ASSERT_THAT(Download("trained", "empty.csv", &responses), IsCallOk());
  ASSERT_EQ(responses.size(), 1);
  EXPECT_EQ(responses[0].sha256(), Sha256Hex(""));
}

TEST_F(ArtifactDownloadTest, UnknownArtifactNamesThoseThereAre) {
  AddArtifact("best_model.pt", "x");
  std::vector<v1::DownloadArtifactResponse> responses;
  EXPECT_THAT(Download("gated", "worst_model.pt", &responses),
              IsCallError(StatusCode::NOT_FOUND, "ARTIFACT_NOT_FOUND", "best_model.pt"));
  EXPECT_THAT(Download("gated", "../../deepbindnet.db", &responses),
              IsCallError(StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "artifact: "));
  EXPECT_EQ(Download("nobody", "best_model.pt", &responses).error_code(), StatusCode::NOT_FOUND);
  EXPECT_TRUE(responses.empty());
}

TEST_F(ArtifactDownloadTest, ServerThatDrainsEndsADownloadWithItsReason) {
  // More than flow control lets go before the caller reads.
  AddArtifact("large.bin", std::string(64 << 20, 'x'));
  grpc::ClientContext context;
  v1::DownloadArtifactRequest request;
  request.set_job("gated");
  request.set_artifact("large.bin");
  const auto reader = stub_->DownloadArtifact(&context, request);
  v1::DownloadArtifactResponse response;
  ASSERT_TRUE(reader->Read(&response));
  service_->StartDraining();
  while (reader->Read(&response)) EXPECT_EQ(response.sha256(), "");
  EXPECT_THAT(reader->Finish(), IsCallError(StatusCode::UNAVAILABLE, "SHUTTING_DOWN", "shutting down"));
}

TEST_F(ArtifactDownloadTest, LostFileIsDataLoss) {
  AddArtifact("best_model.pt", "x");
  std::filesystem::remove(layout_.Checkpoint("gated"));
  std::vector<v1::DownloadArtifactResponse> responses;
  EXPECT_THAT(Download("gated", "best_model.pt", &responses),
              IsCallError(StatusCode::DATA_LOSS, "ARTIFACT_NOT_READABLE", "best_model.pt"));
}

}  // namespace
}  // namespace deepbindnet
