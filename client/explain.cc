#include "client/explain.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/files.h"
#include "client/patience.h"

namespace deepbindnet::client {
namespace {

using Stub = v1::DeepBindNet::StubInterface;

v1::ExplainRequest MakeRequest(const std::string& model, const ExplainOptions& options, PairBatch* pairs) {
  v1::ExplainRequest request;
  request.mutable_input()->Swap(pairs->mutable_request());
  request.mutable_input()->set_model(model);
  request.set_detail(options.detail);
  request.set_svg(true);
  request.set_atom_indices(options.atom_indices);
  return request;
}

absl::StatusOr<v1::ExplainResponse> Explain(const v1::ExplainRequest& request, Session* session) {
  CLIENT_ASSIGN_OR_RETURN(v1::ExplainResponse response, session->connection()->Call(&Stub::Explain, request));
  if (response.pairs_size() != request.input().pairs_size()) {
    return absl::InternalError(absl::StrCat("the server answered ", response.pairs_size(), " explanations for ",
                                            request.input().pairs_size(), " pairs"));
  }
  return response;
}

absl::Status WriteFile(const std::string& path, const std::string& contents) {
  CLIENT_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  file->Write(contents);
  return file->Commit();
}

absl::Status WriteFiles(const v1::ExplainedPair& pair, int64_t row, const std::string& directory) {
  const ExplanationFiles files = ExplanationFilesOf(directory, row);
  CLIENT_RETURN_IF_ERROR(WriteFile(files.json, absl::StrCat(pair.json(), "\n")));
  return WriteFile(files.svg, pair.svg());
}

}  // namespace

ExplanationFiles ExplanationFilesOf(const std::string& directory, int64_t row) {
  const std::string stem = absl::StrCat(directory, "/row-", row);
  return {stem + ".json", stem + ".svg"};
}

absl::StatusOr<v1::ExplainedPair> ExplainPair(const std::string& model, const InputPair& pair,
                                              const ExplainOptions& options, Session* session) {
  PairBatch pairs;
  pairs.Add({}, pair);
  CLIENT_ASSIGN_OR_RETURN(v1::ExplainResponse response, Explain(MakeRequest(model, options, &pairs), session));
  v1::ExplainedPair& explained = *response.mutable_pairs(0);
  if (!explained.error().empty()) return absl::InvalidArgumentError(explained.error());
  CLIENT_RETURN_IF_ERROR(WriteFiles(explained, 1, options.directory));
  return std::move(explained);
}

absl::Status TableExplanation::Add(int64_t row, const InputPair& pair) {
  rows_.push_back({row, pair});
  return rows_.size() < kPairsPerCall ? absl::OkStatus() : Send();
}

absl::Status TableExplanation::Finish() {
  while (!rows_.empty()) CLIENT_RETURN_IF_ERROR(Send());
  return absl::OkStatus();
}

absl::Status TableExplanation::Send() {
  PairBatch pairs;
  for (const Row& row : rows_) pairs.Add({}, row.pair);
  const v1::ExplainRequest request = MakeRequest(model_, options_, &pairs);
  CLIENT_ASSIGN_OR_RETURN(const v1::ExplainResponse response,
                          CallPatiently(session_->connection(), [&] { return Explain(request, session_); }));
  CLIENT_RETURN_IF_ERROR(check_(response));
  std::deque<Row> again;
  for (int i = 0; i < response.pairs_size(); ++i) {
    const v1::ExplainedPair& pair = response.pairs(i);
    Row& row = rows_[static_cast<size_t>(i)];
    if (pair.error().empty()) {
      CLIENT_RETURN_IF_ERROR(WriteFiles(pair, row.row, options_.directory));
      ++explained_;
    } else if (i > 0 && pair.error_reason() == "EXPLANATION_TOO_LARGE") {
      again.push_back(std::move(row));  // Those before it left no room.
    } else if (first_failure_.empty()) {
      first_failure_ = absl::StrCat("row ", row.row, ": ", pair.error());
    }
  }
  rows_ = std::move(again);
  return absl::OkStatus();
}

}  // namespace deepbindnet::client
