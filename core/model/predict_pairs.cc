#include "core/model/predict_pairs.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace deepbindnet {
namespace {

constexpr size_t kBatch = 512;

}  // namespace

std::vector<double> PredictPairs(AffinityModel model, const torch::Device& device,
                                 const std::vector<const MolecularGraph*>& molecules,
                                 const std::vector<const std::vector<uint8_t>*>& proteins,
                                 const std::vector<PairIndex>& pairs) {
  const c10::InferenceMode inference;
  std::vector<size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return pairs[a].target < pairs[b].target; });
  std::vector<double> predicted(pairs.size());
  for (size_t begin = 0; begin < order.size(); begin += kBatch) {
    const size_t end = std::min(begin + kBatch, order.size());
    std::vector<PairIndex> chosen;
    for (size_t i = begin; i < end; ++i) chosen.push_back(pairs[order[i]]);
    const PairBatch batch = MakeBatch(molecules, proteins, chosen, model->options().residues_per_token).To(device);
    const torch::Tensor z = model->forward(batch).to(torch::kCPU);
    for (size_t i = begin; i < end; ++i) predicted[order[i]] = z.data_ptr<float>()[i - begin];
  }
  return predicted;
}

std::vector<double> PredictAffinities(AffinityModel model, const torch::Device& device, const ProcessedDataset& dataset,
                                      const PairTable& part, const Scaler& scaler) {
  std::vector<double> predicted =
      PredictPairs(std::move(model), device, GraphsOf(dataset), TokensOf(dataset), PairsOf(part));
  for (double& value : predicted) value = scaler.Unscale(value);
  return predicted;
}

std::vector<const MolecularGraph*> GraphsOf(const ProcessedDataset& dataset) {
  std::vector<const MolecularGraph*> graphs;
  for (const MoleculeEntry& molecule : dataset.molecules) graphs.push_back(&molecule.graph);
  return graphs;
}

std::vector<const std::vector<uint8_t>*> TokensOf(const ProcessedDataset& dataset) {
  std::vector<const std::vector<uint8_t>*> tokens;
  for (const ProteinEntry& protein : dataset.proteins) tokens.push_back(&protein.tokens);
  return tokens;
}

std::vector<PairIndex> PairsOf(const PairTable& table) {
  std::vector<PairIndex> pairs;
  for (int64_t i = 0; i < table.size(); ++i) pairs.push_back({table.drug[i], table.target[i]});
  return pairs;
}

}  // namespace deepbindnet
