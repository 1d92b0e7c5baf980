#include "client/pair_batch.h"

namespace deepbindnet::client {

bool PairBatch::Add(const std::vector<std::string>& row, int64_t line, const std::string& smiles,
                    const std::string& sequence) {
  const size_t new_bytes =
      (drugs_.count(smiles) == 0 ? smiles.size() : 0) + (targets_.count(sequence) == 0 ? sequence.size() : 0);
  const bool is_full = rows_.size() >= kMaxPairs || bytes_ + new_bytes > kMaxBytes;
  if (is_full && !rows_.empty()) return false;
  bytes_ += new_bytes;

  const auto [drug, new_drug] = drugs_.try_emplace(smiles, request_.smiles_size());
  if (new_drug) request_.add_smiles(smiles);
  const auto [target, new_target] = targets_.try_emplace(sequence, request_.sequences_size());
  if (new_target) request_.add_sequences(sequence);
  v1::PredictRequest::Pair* pair = request_.add_pairs();
  pair->set_drug(drug->second);
  pair->set_target(target->second);
  rows_.push_back({row, line, request_.pairs_size() - 1, ""});
  return true;
}

void PairBatch::AddUnsendable(const std::vector<std::string>& row, int64_t line, const std::string& error) {
  rows_.push_back({row, line, -1, error});
}

void PairBatch::Clear() { *this = PairBatch(); }

}  // namespace deepbindnet::client
