// Explanations of pairs, asked of the server and written into a directory.
#ifndef DEEPBINDNET_CLIENT_EXPLAIN_H_
#define DEEPBINDNET_CLIENT_EXPLAIN_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "client/pair_batch.h"
#include "client/session.h"
#include "deepbindnet/v1/deepbindnet.pb.h"

namespace deepbindnet::client {

struct ExplainOptions {
  std::string directory;  // Empty: explain nothing.
  v1::ExplainRequest::Detail detail = v1::ExplainRequest::LAYERS;
  bool atom_indices = false;
};

struct ExplanationFiles {
  std::string json, svg;  // Paths.
};

// The files of data row `row`, from 1: row-1.json and row-1.svg.
ExplanationFiles ExplanationFilesOf(const std::string& directory, int64_t row);

// The explanation of one pair, whose files are written as those of row 1.
absl::StatusOr<v1::ExplainedPair> ExplainPair(const std::string& model, const InputPair& pair,
                                              const ExplainOptions& options, Session* session);

// Explains rows of a table, several in one call, in the order in which they are added. Not thread-safe.
class TableExplanation {
 public:
  static constexpr size_t kPairsPerCall = 16;  // As the service allows.

  // `check` judges each response before anything of it is written. `session` must outlive this.
  TableExplanation(const std::string& model, const ExplainOptions& options, Session* session,
                   std::function<absl::Status(const v1::ExplainResponse&)> check)
      : model_(model), options_(options), session_(session), check_(std::move(check)) {}

  // Asks for what has been added once it fills a call.
  absl::Status Add(int64_t row, const InputPair& pair);
  // Asks for the rest.
  absl::Status Finish();

  int64_t explained() const { return explained_; }
  const std::string& first_failure() const { return first_failure_; }  // "row N: ..."; empty where there is none.

 private:
  struct Row {
    int64_t row = 0;
    InputPair pair;
  };

  absl::Status Send();

  const std::string model_;
  const ExplainOptions options_;
  Session* const session_;
  const std::function<absl::Status(const v1::ExplainResponse&)> check_;
  std::deque<Row> rows_;  // That wait.
  int64_t explained_ = 0;
  std::string first_failure_;
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_EXPLAIN_H_
