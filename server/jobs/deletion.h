// Deleting a directory together with the record that tells of it, so that a crash leaves both or neither: the directory
// is set aside, the record is deleted, then the files are.
#ifndef DEEPBINDNET_SERVER_JOBS_DELETION_H_
#define DEEPBINDNET_SERVER_JOBS_DELETION_H_

#include <string>

#include "core/base/status.h"
#include "server/store/data_layout.h"
#include "server/store/store.h"

namespace deepbindnet {

// `directory` is one of the layout's for a data set, model, comparison or job; one that is not there is fine.
absl::Status SetAside(const DataLayout& layout, const std::string& directory);
// Where the record could not be deleted.
void PutBack(const DataLayout& layout, const std::string& directory);
// Where it has been.
void RemoveSetAside(const DataLayout& layout, const std::string& directory);

// What a crash left: puts back what the store tells of, removes the rest.
absl::Status FinishDeletions(const DataLayout& layout, Store* store);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_JOBS_DELETION_H_
