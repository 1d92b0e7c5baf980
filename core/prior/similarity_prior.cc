#include "core/prior/similarity_prior.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/compute/compute_pool.h"
#include "core/prior/held_out.h"
#include "core/prior/kernel_regression.h"

namespace deepbindnet {
namespace {

constexpr int64_t kChunk = 256;  // Entities that are compared at once.
using Measure = SimilarityIndex::Measure;

size_t Threads() { return static_cast<size_t>(at::get_num_threads()); }

// The distinct profiles of one side of some pairs.
struct Distinct {
  std::vector<Profile> profiles;
  std::vector<int32_t> of_entity;  // By entity: its profile, or -1 where no pair names it.
  std::vector<int64_t> pairs;      // By profile: how many pairs.
};

template <typename Entity, typename Describe>
Distinct FindDistinct(const std::vector<const Entity*>& entities, const std::vector<int32_t>& named,
                      const Describe& describe) {
  Distinct distinct{{}, std::vector<int32_t>(entities.size(), -1), {}};
  absl::flat_hash_map<Profile, int32_t> found;
  for (const int32_t entity : named) {
    int32_t& place = distinct.of_entity[entity];
    if (place < 0) {
      Profile profile = describe(*entities[entity]);
      const auto [at, is_new] = found.emplace(profile, static_cast<int32_t>(distinct.profiles.size()));
      place = at->second;
      if (is_new) {
        distinct.profiles.push_back(std::move(profile));
        distinct.pairs.push_back(0);
      }
    }
    ++distinct.pairs[place];
  }
  return distinct;
}

std::vector<int32_t> DrugsOf(const std::vector<PairIndex>& pairs) {
  std::vector<int32_t> drugs;
  for (const PairIndex& pair : pairs) drugs.push_back(pair.drug);
  return drugs;
}

std::vector<int32_t> TargetsOf(const std::vector<PairIndex>& pairs) {
  std::vector<int32_t> targets;
  for (const PairIndex& pair : pairs) targets.push_back(pair.target);
  return targets;
}

int64_t Work(int64_t drugs, int64_t targets) { return drugs * targets * (drugs + targets); }

// The `most` profiles with most pairs, in their order; gives each entity its place among them, -1 where it has none.
std::vector<Profile> Keep(Distinct* distinct, int64_t most) {
  std::vector<int32_t> order(distinct->profiles.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return distinct->pairs[a] > distinct->pairs[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(most)));
  std::sort(order.begin(), order.end());
  std::vector<int32_t> place(distinct->profiles.size(), -1);
  std::vector<Profile> kept;
  for (const int32_t profile : order) {
    place[profile] = static_cast<int32_t>(kept.size());
    kept.push_back(std::move(distinct->profiles[profile]));
  }
  for (int32_t& entity : distinct->of_entity) entity = entity < 0 ? -1 : place[entity];
  return kept;
}

// Shape: -> [profiles, index.size()].
torch::Tensor CompareAll(const SimilarityIndex& index, const std::vector<Profile>& profiles, size_t begin, size_t end) {
  torch::Tensor similarity = torch::empty({static_cast<int64_t>(end - begin), index.size()});
  for (size_t i = begin; i < end; ++i) {
    index.Compare(profiles[i], similarity.data_ptr<float>() + static_cast<int64_t>(i - begin) * index.size());
  }
  return similarity;
}

MeasuredPairs Choose(const std::vector<PairIndex>& pairs, const std::vector<float>& z,
                     const std::vector<int64_t>& chosen) {
  std::vector<int64_t> drug, target;
  std::vector<float> value;
  for (const int64_t pair : chosen) {
    drug.push_back(pairs[pair].drug);
    target.push_back(pairs[pair].target);
    value.push_back(z[pair]);
  }
  return {torch::tensor(drug, torch::kInt64), torch::tensor(target, torch::kInt64),
          torch::tensor(value, torch::kFloat32)};
}

// Shape: -> [kPriorChannels - 1, drugs, targets], all channels but the first.
torch::Tensor OfKnown(const KernelFit& fit) {
  return torch::stack({fit.learned - fit.similar, fit.near_targets - fit.learned, fit.near_drugs - fit.learned});
}

}  // namespace

SimilarityPrior::Fitted SimilarityPrior::Fit(const Molecules& molecules, const Proteins& proteins,
                                             const std::vector<PairIndex>& pairs, const std::vector<float>& z,
                                             SplitMethod split, int64_t most_work, const std::atomic<bool>* stop) {
  Distinct drugs = FindDistinct(molecules, DrugsOf(pairs), MoleculeProfile);
  Distinct targets = FindDistinct(proteins, TargetsOf(pairs), ProteinProfile);
  auto most_drugs = static_cast<int64_t>(drugs.profiles.size());
  auto most_targets = static_cast<int64_t>(targets.profiles.size());
  while (Work(most_drugs, most_targets) > most_work) --(most_drugs > most_targets ? most_drugs : most_targets);
  SimilarityPrior prior(SimilarityIndex(Measure::kTanimoto, Keep(&drugs, most_drugs)),
                        SimilarityIndex(Measure::kCosine, Keep(&targets, most_targets)));
  // Pairs of known entities, by place; what no fit sees is predicted as any other pair.
  std::vector<PairIndex> places, others;
  std::vector<int64_t> row, other_row;
  std::vector<float> values;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const PairIndex place{drugs.of_entity[pairs[i].drug], targets.of_entity[pairs[i].target]};
    if (place.drug < 0 || place.target < 0 || !std::isfinite(z[i])) {
      others.push_back(pairs[i]);
      other_row.push_back(static_cast<int64_t>(i));
      continue;
    }
    places.push_back(place);
    row.push_back(static_cast<int64_t>(i));
    values.push_back(z[i]);
  }

  const auto among_themselves = [](const SimilarityIndex& index) {
    return CompareAll(index, index.entities(), 0, index.entities().size()).fill_diagonal_(1);
  };
  const torch::Tensor drug_similarity = among_themselves(prior.molecules_);
  const torch::Tensor target_similarity = among_themselves(prior.proteins_);
  std::vector<Fold> folds = MakeFolds(split, places);
  folds.emplace_back();  // The whole.
  folds.back().measured.resize(places.size());
  std::iota(folds.back().measured.begin(), folds.back().measured.end(), 0);
  torch::Tensor held_out = torch::zeros({static_cast<int64_t>(pairs.size()), kPriorChannels});
  auto said = held_out.accessor<float, 2>();
  KernelFit whole;
  RunSideBySide(folds.size(), Threads(), [&](size_t i) {
    KernelFit fit = FitKernels(drug_similarity, target_similarity, Choose(places, values, folds[i].measured), stop);
    const torch::Tensor besides = OfKnown(fit);
    const auto similar = fit.similar.accessor<float, 2>();
    const auto of_known = besides.accessor<float, 3>();
    for (const int64_t pair : folds[i].held_out) {
      const auto [drug, target] = places[pair];
      said[row[pair]][0] = similar[drug][target];
      for (int64_t c = 1; c < kPriorChannels; ++c) said[row[pair]][c] = of_known[c - 1][drug][target];
    }
    if (i + 1 == folds.size()) whole = std::move(fit);
  });
  prior.mean_ = whole.mean;
  prior.drug_effect_ = whole.drug_effect;
  prior.target_effect_ = whole.target_effect;
  prior.dual_ = whole.dual;
  prior.of_known_ = OfKnown(whole);
  if (!others.empty()) {
    held_out.index_copy_(0, torch::tensor(other_row, torch::kInt64), prior.Predict(molecules, proteins, others));
  }
  return {std::move(prior), held_out};
}

torch::Tensor SimilarityPrior::Predict(const Molecules& molecules, const Proteins& proteins,
                                       const std::vector<PairIndex>& pairs) const {
  const Distinct drugs = FindDistinct(molecules, DrugsOf(pairs), MoleculeProfile);
  const Distinct targets = FindDistinct(proteins, TargetsOf(pairs), ProteinProfile);
  const auto count = static_cast<int64_t>(drugs.profiles.size());
  torch::Tensor half = torch::empty({count, proteins_.size()});  // Similarities to molecules times dual_.
  RunSideBySide(static_cast<size_t>((count + kChunk - 1) / kChunk), Threads(), [&](size_t chunk) {
    const int64_t begin = static_cast<int64_t>(chunk) * kChunk, end = std::min(count, begin + kChunk);
    half.narrow(0, begin, end - begin).copy_(CompareAll(molecules_, drugs.profiles, begin, end).mm(dual_));
  });
  const torch::Tensor target_similarity = CompareAll(proteins_, targets.profiles, 0, targets.profiles.size());
  std::vector<int64_t> known_drug, known_target;
  for (const Profile& profile : drugs.profiles) known_drug.push_back(molecules_.Find(profile));
  for (const Profile& profile : targets.profiles) known_target.push_back(proteins_.Find(profile));

  torch::Tensor said = torch::zeros({static_cast<int64_t>(pairs.size()), kPriorChannels});
  float* next = said.data_ptr<float>();
  const auto of_known = of_known_.accessor<float, 3>();
  for (const PairIndex& pair : pairs) {
    const int32_t drug = drugs.of_entity[pair.drug], target = targets.of_entity[pair.target];
    const int64_t at_drug = known_drug[drug], at_target = known_target[target];
    const float* const from = half.data_ptr<float>() + drug * proteins_.size();
    double similar = mean_ + std::inner_product(from, from + proteins_.size(),
                                                target_similarity.data_ptr<float>() + target * proteins_.size(), 0.0F);
    if (at_drug >= 0) similar += drug_effect_.data_ptr<float>()[at_drug];
    if (at_target >= 0) similar += target_effect_.data_ptr<float>()[at_target];
    *next++ = static_cast<float>(similar);
    for (int64_t c = 1; c < kPriorChannels; ++c) {
      *next++ = at_drug >= 0 && at_target >= 0 ? of_known[c - 1][at_drug][at_target] : 0.0F;
    }
  }
  return said;
}

}  // namespace deepbindnet
