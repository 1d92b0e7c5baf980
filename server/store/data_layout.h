// Where things lie under the server's data directory. Names have been validated: letters, digits, '.', '_', '-'.
#ifndef DEEPBINDNET_SERVER_STORE_DATA_LAYOUT_H_
#define DEEPBINDNET_SERVER_STORE_DATA_LAYOUT_H_

#include <string>

#include "absl/strings/str_cat.h"

namespace deepbindnet {

struct DataLayout {
  std::string data_dir;

  std::string Database() const { return absl::StrCat(data_dir, "/deepbindnet.db"); }
  std::string UploadsDir() const { return absl::StrCat(data_dir, "/uploads"); }
  std::string DatasetDir(const std::string& name) const { return absl::StrCat(data_dir, "/datasets/", name); }
  std::string ModelDir(const std::string& name) const { return absl::StrCat(data_dir, "/models/", name); }
  std::string Checkpoint(const std::string& model) const { return absl::StrCat(ModelDir(model), "/best_model.pt"); }
  std::string ComparisonDir(const std::string& job_id) const { return absl::StrCat(data_dir, "/comparisons/", job_id); }
  // task.pb, worker.log
  std::string JobDir(const std::string& id) const { return absl::StrCat(data_dir, "/jobs/", id); }
  // What is being deleted, under the path that it had.
  std::string DeletedDir() const { return absl::StrCat(data_dir, "/deleted"); }
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_STORE_DATA_LAYOUT_H_
