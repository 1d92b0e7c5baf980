#include "core/model/predict_pairs.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/compute/compute_pool.h"
#include "core/data/entity_table.h"

namespace deepbindnet {
namespace {

// What the model says of pairs by what its members say of them.
std::vector<double> Together(const AffinityModel& model, const torch::Tensor& predictions) {
  const torch::Tensor z = Combine(predictions, model->shares().detach().to(torch::kCPU)).to(torch::kFloat64);
  return std::vector<double>(z.data_ptr<double>(), z.data_ptr<double>() + z.numel());
}

}  // namespace

size_t EndOfBatch(const std::vector<const MolecularGraph*>& molecules,
                  const std::vector<const std::vector<uint8_t>*>& proteins, const std::vector<PairIndex>& pairs,
                  size_t begin) {
  int64_t residues = 0, pair_residues = 0, pair_atoms = 0;
  const size_t last = std::min(pairs.size(), begin + kBatchPairs);
  size_t end = begin;
  for (; end < last; ++end) {
    const auto length = static_cast<int64_t>(proteins[pairs[end].target]->size());
    if (end == begin || pairs[end].target != pairs[end - 1].target) residues += length;
    pair_residues += length;
    pair_atoms += molecules[pairs[end].drug]->atoms();
    const bool fits =
        residues <= kBatchResidues && pair_residues <= kBatchPairResidues && pair_atoms <= kBatchPairAtoms;
    if (!fits && end > begin) break;
  }
  return end;
}

torch::Tensor PredictMembers(AffinityModel model, const torch::Device& device,
                             const std::vector<const MolecularGraph*>& molecules,
                             const std::vector<const std::vector<uint8_t>*>& proteins,
                             const std::vector<PairIndex>& pairs, const FeatureList& features) {
  std::vector<size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return pairs[a].target < pairs[b].target; });
  std::vector<PairIndex> sorted;
  for (const size_t place : order) sorted.push_back(pairs[place]);
  std::vector<size_t> bounds = {0};
  while (bounds.back() < sorted.size()) bounds.push_back(EndOfBatch(molecules, proteins, sorted, bounds.back()));

  const EntityTable entities(molecules, proteins, model->options().residues_per_token, features, device);
  const torch::Tensor prior = model->Prior(molecules, proteins, sorted);
  const torch::Tensor predicted =
      torch::empty({model->options().members, static_cast<int64_t>(pairs.size())}, torch::kFloat32);
  const auto predict = [&](size_t begin, size_t end) {
    const std::vector<PairIndex> chosen(sorted.begin() + begin, sorted.begin() + end);
    PairBatch batch = entities.Cut(chosen);
    if (prior.defined()) batch.prior = prior.slice(0, static_cast<int64_t>(begin), static_cast<int64_t>(end));
    const torch::Tensor z = model->PredictMembers(batch).to(torch::kCPU);
    for (int64_t member = 0; member < z.size(0); ++member) {
      const float* const from = z[member].data_ptr<float>();
      float* const to = predicted[member].data_ptr<float>();
      for (size_t i = begin; i < end; ++i) to[order[i]] = from[i - begin];
    }
  };
  RunSideBySide(bounds.size() - 1, device.is_cpu() ? static_cast<size_t>(at::get_num_threads()) : 1,
                [&](size_t batch) { predict(bounds[batch], bounds[batch + 1]); });
  return predicted;
}

torch::Tensor PredictMembers(AffinityModel model, const torch::Device& device, const ProcessedDataset& dataset,
                             const PairTable& part) {
  const FeatureList features = model->options().protein_feature_dim > 0 ? FeaturesOf(dataset) : FeatureList();
  return PredictMembers(std::move(model), device, GraphsOf(dataset), TokensOf(dataset), PairsOf(part), features);
}

std::vector<double> PredictPairs(AffinityModel model, const torch::Device& device,
                                 const std::vector<const MolecularGraph*>& molecules,
                                 const std::vector<const std::vector<uint8_t>*>& proteins,
                                 const std::vector<PairIndex>& pairs, const FeatureList& features) {
  return Together(model, PredictMembers(model, device, molecules, proteins, pairs, features));
}

std::vector<double> PredictAffinities(AffinityModel model, const torch::Device& device, const ProcessedDataset& dataset,
                                      const PairTable& part, const Scaler& scaler) {
  return CombineAffinities(model, PredictMembers(model, device, dataset, part), scaler);
}

std::vector<double> CombineAffinities(const AffinityModel& model, const torch::Tensor& predictions,
                                      const Scaler& scaler) {
  std::vector<double> predicted = Together(model, predictions);
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

FeatureList FeaturesOf(const ProcessedDataset& dataset) {
  FeatureList features;
  if (dataset.manifest.protein_feature_dim == 0) return features;
  for (const ProteinEntry& protein : dataset.proteins) features.push_back(&protein.features);
  return features;
}

std::vector<PairIndex> PairsOf(const PairTable& table) {
  std::vector<PairIndex> pairs;
  for (int64_t i = 0; i < table.size(); ++i) pairs.push_back({table.drug[i], table.target[i]});
  return pairs;
}

std::vector<float> ScaledOf(const PairTable& table, const Scaler& scaler) {
  std::vector<float> z;
  for (const double affinity : table.affinity) z.push_back(static_cast<float>(scaler.Scale(affinity)));
  return z;
}

}  // namespace deepbindnet
