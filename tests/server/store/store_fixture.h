// A store in a directory of its own.
#ifndef DEEPBINDNET_TESTS_SERVER_STORE_STORE_FIXTURE_H_
#define DEEPBINDNET_TESTS_SERVER_STORE_STORE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/data_layout.h"
#include "server/store/store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {

inline v1::Job TrainJob(const std::string& id, const std::string& name = "m", v1::JobState state = v1::QUEUED) {
  v1::Job job;
  job.set_id(id);
  job.set_name(name);
  job.set_state(state);
  job.mutable_spec()->mutable_train()->set_model(name);
  return job;
}

inline v1::Job PrepareJob(const std::string& id, const std::string& name) {
  v1::Job job;
  job.set_id(id);
  job.set_name(name);
  job.set_state(v1::QUEUED);
  job.mutable_spec()->mutable_prepare_dataset()->set_dataset(name);
  return job;
}

inline v1::JobEvent Log(const std::string& text) {
  v1::JobEvent event;
  event.mutable_log()->set_text(text);
  return event;
}

inline std::vector<std::string> Ids(const v1::ListJobsResponse& response) {
  std::vector<std::string> ids;
  for (const v1::Job& job : response.jobs()) ids.push_back(job.id());
  return ids;
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_ = nullptr;
    ASSERT_OK_AND_ASSIGN(store_, Store::Open(layout_.Database()));
  }
  void Insert(v1::Job job, std::vector<v1::JobEvent> events = {}) {
    ASSERT_THAT(store_->InsertJob(&job, std::move(events)), IsOk());
  }

  const TempDir dir_;
  const DataLayout layout_{dir_ / "data"};
  std::unique_ptr<Store> store_;
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_STORE_STORE_FIXTURE_H_
