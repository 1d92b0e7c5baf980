// Where the explanation of a pair is kept: one JSON and one SVG file.
#ifndef DEEPBINDNET_SERVER_WORKER_EXPLANATION_FILES_H_
#define DEEPBINDNET_SERVER_WORKER_EXPLANATION_FILES_H_

#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "core/inference/explanation_output.h"
#include "core/inference/predictor.h"

namespace deepbindnet {

struct ExplanationFileOptions {
  std::string directory;  // Made where it is missing. Empty: explain nothing.
  ExplanationDetail detail = ExplanationDetail::kLayers;
  bool atom_indices = false;
};

struct ExplanationFiles {
  std::string json, svg;  // Paths.
};

// The files of data row `row`, from 1: row-1.json and row-1.svg.
ExplanationFiles ExplanationFilesOf(const std::string& directory, int64_t row);

// Writes both, each atomically. Blocks on the file system; the error names the path.
absl::Status WriteExplanation(const Explanation& explanation, const PredictorInfo& model, int64_t row,
                              const ExplanationFileOptions& options);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_WORKER_EXPLANATION_FILES_H_
