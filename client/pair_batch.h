// Rows of a table gathered into one Predict request, each distinct string once.
#ifndef DEEPBINDNET_CLIENT_PAIR_BATCH_H_
#define DEEPBINDNET_CLIENT_PAIR_BATCH_H_

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/csv/pair_table.h"
#include "deepbindnet/v1/deepbindnet.pb.h"

namespace deepbindnet::client {

struct InputPair {
  std::string smiles, sequence;
  // The protein's vector, which outlives whatever holds the pair; null: the one that the model knows, if it needs any.
  const std::vector<float>* features = nullptr;
};

// Not thread-safe.
class PairBatch {
 public:
  static constexpr int kMaxPairs = 4096;              // As the service allows.
  static constexpr size_t kMaxBytes = 3 * (1 << 20);  // Below the 4 MiB at which gRPC servers refuse by default.

  // Adds a row with its pair, or returns false where the batch is full; an empty batch takes any row. A sequence with
  // another vector is another protein.
  bool Add(const PairRow& row, const InputPair& pair);

  // Adds a row that is not sent; its status says why.
  void AddUnsendable(const PairRow& row);

  struct Row {
    PairRow row;
    InputPair input;
    int pair = -1;  // Index into the request's pairs; -1 where it is not sent.
  };
  const std::vector<Row>& rows() const { return rows_; }
  v1::PredictRequest* mutable_request() { return &request_; }
  void Clear();

 private:
  using Target = std::pair<std::string, const std::vector<float>*>;  // Sequence and vector.

  void AddTarget(const std::string& sequence, const std::vector<float>* features);

  v1::PredictRequest request_;
  std::vector<Row> rows_;
  std::unordered_map<std::string, uint32_t> drugs_;  // Index in request_ by SMILES.
  std::map<Target, uint32_t> targets_;               // Index in request_.
  size_t bytes_ = 0;                                 // Of the strings and vectors in request_.
};

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_PAIR_BATCH_H_
