#include "server/worker/explanation_files.h"

#include "absl/strings/str_cat.h"
#include "core/base/file.h"

namespace deepbindnet {

ExplanationFiles ExplanationFilesOf(const std::string& directory, int64_t row) {
  const std::string stem = absl::StrCat(directory, "/row-", row);
  return {stem + ".json", stem + ".svg"};
}

absl::Status WriteExplanation(const Explanation& explanation, const PredictorInfo& model, int64_t row,
                              const ExplanationFileOptions& options) {
  const ExplanationFiles files = ExplanationFilesOf(options.directory, row);
  DBN_ASSIGN_OR_RETURN(const std::string svg, ExplanationSvg(explanation, options.atom_indices));
  DBN_RETURN_IF_ERROR(MakeDirectories(options.directory));
  DBN_RETURN_IF_ERROR(WriteFileAtomically(files.json, ExplanationJson(explanation, model, options.detail) + "\n"));
  return WriteFileAtomically(files.svg, svg);
}

}  // namespace deepbindnet
