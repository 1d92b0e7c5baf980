// Models in a store without the training.
#ifndef DEEPBINDNET_TESTS_SERVER_PREDICT_STORED_MODELS_H_
#define DEEPBINDNET_TESTS_SERVER_PREDICT_STORED_MODELS_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/store.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {

// The digest is "digest of NAME" where none is given.
inline void AddStoredModel(Store* store, const std::string& name, const std::vector<std::string>& aliases = {},
                           const std::string& digest = "") {
  v1::Job job;
  job.set_id(absl::StrCat("job-", name));
  job.set_name(name);
  job.mutable_spec()->mutable_train()->set_model(name);
  job.set_state(v1::RUNNING);
  ASSERT_THAT(store->InsertJob(&job, {}), IsOk());
  v1::Model model;
  model.set_name(name);
  model.set_job_id(job.id());
  model.set_digest(digest.empty() ? absl::StrCat("digest of ", name) : digest);
  model.set_affinity_unit("pKd");
  for (const std::string& alias : aliases) model.add_aliases(alias);
  job.set_state(v1::SUCCEEDED);
  ASSERT_THAT(store->FinishJobWithModel(&job, {}, model), IsOk());
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_SERVER_PREDICT_STORED_MODELS_H_
