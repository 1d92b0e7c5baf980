#include "client/pair_batch.h"

namespace deepbindnet::client {

bool PairBatch::Add(const PairRow& row, const InputPair& input) {
  const auto& [smiles, sequence, features] = input;
  const size_t target_bytes = sequence.size() + (features == nullptr ? 0 : features->size() * sizeof(float));
  const size_t new_bytes =
      (drugs_.count(smiles) == 0 ? smiles.size() : 0) + (targets_.count({sequence, features}) == 0 ? target_bytes : 0);
  const bool is_full = rows_.size() >= kMaxPairs || bytes_ + new_bytes > kMaxBytes;
  if (is_full && !rows_.empty()) return false;
  bytes_ += new_bytes;

  const auto [drug, new_drug] = drugs_.try_emplace(smiles, request_.smiles_size());
  if (new_drug) request_.add_smiles(smiles);
  const auto [target, new_target] = targets_.try_emplace({sequence, features}, request_.sequences_size());
  if (new_target) AddTarget(sequence, features);
  v1::PredictRequest::Pair* pair = request_.add_pairs();
  pair->set_drug(drug->second);
  pair->set_target(target->second);
  rows_.push_back({row, input, request_.pairs_size() - 1});
  return true;
}

void PairBatch::AddTarget(const std::string& sequence, const std::vector<float>* features) {
  request_.add_sequences(sequence);
  if (features == nullptr && request_.protein_features_size() == 0) return;
  // Parallel to the sequences: those before the first vector get empty ones.
  while (request_.protein_features_size() < request_.sequences_size()) request_.add_protein_features();
  if (features == nullptr) return;
  request_.mutable_protein_features()->rbegin()->mutable_values()->Assign(features->begin(), features->end());
}

void PairBatch::AddUnsendable(const PairRow& row) { rows_.push_back({row, {}, -1}); }

void PairBatch::Clear() { *this = PairBatch(); }

}  // namespace deepbindnet::client
