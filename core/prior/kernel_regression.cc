#include "core/prior/kernel_regression.h"

#include <algorithm>

namespace deepbindnet {
namespace {

constexpr double kNoise = 0.07;         // Variance of a measurement, where that of the z-scored values is 1.
constexpr double kEffectPairs = 2;      // As many pairs without effect are added to those of each drug and target.
constexpr int kEffectRounds = 20;       // That main effects of drugs and targets are fitted in turn.
constexpr int kCompletions = 2;         // That similarities learn from.
constexpr double kMostLearned = 0.6;    // Share of what was learned in a similarity, for entities of very many pairs,
constexpr double kHalfLearned = 130;    // and the number of pairs with half of it.
constexpr double kSharpness = 12;       // Power of a similarity, as a share of the largest, that weighs a neighbour.
constexpr double kLeastWeight = 0.001;  // Of the regression's answer among neighbours, of which the nearest weighs 1.
constexpr double kResidual = 0.01;      // That conjugate gradients stop at, as a share of the right side.
constexpr int kMostIterations = 300;    // Of conjugate gradients.
constexpr double kLeastLength = 1e-6;   // Of a vector that is divided by its length.

// One side of the matrix.
struct Side {
  torch::Tensor similarity;  // [entities, entities]
  torch::Tensor share;       // [entities, 1], of what was learned
  torch::Tensor kernel;      // [entities, entities]
};

Side MakeSide(const torch::Tensor& similarity, const torch::Tensor& pairs) {
  return {similarity, (kMostLearned * pairs / (pairs + kHalfLearned)).unsqueeze(1), similarity};
}

// Mixes the correlations of the rows of `completed` [entities, any] into the kernel.
void Learn(const torch::Tensor& completed, Side* side) {
  const torch::Tensor centred = completed - completed.mean(1, /*keepdim=*/true);
  const torch::Tensor rows = centred / centred.norm(2, 1, /*keepdim=*/true).clamp_min(kLeastLength);
  const torch::Tensor old_part = (1 - side->share).sqrt(), new_part = rows * side->share.sqrt();
  side->kernel = (side->similarity * old_part * old_part.t()).addmm_(new_part, new_part.t());
}

// For each place of the matrix, the mean of what was measured in its row, weighted by how alike the columns are.
// Shapes: kernel [columns, columns], others [rows, columns] -> [rows, columns].
torch::Tensor MeanOfNearest(const torch::Tensor& kernel, const torch::Tensor& measured, const torch::Tensor& values,
                            const torch::Tensor& regression) {
  torch::Tensor weights = kernel.clamp_min(0).fill_diagonal_(0);
  weights = weights.div_(weights.amax(0, /*keepdim=*/true).clamp_min(kLeastLength)).pow_(kSharpness);
  return (values.mm(weights) + kLeastWeight * regression) / (measured.mm(weights) + kLeastWeight);
}

double Dot(const torch::Tensor& a, const torch::Tensor& b) { return (a * b).sum(torch::kFloat64).item<double>(); }

// Moves `dual` to where (kernels around it + noise) is `values` at the measured pairs, which `measured` has a one for.
void Solve(const Side& drugs, const Side& targets, const torch::Tensor& measured, const torch::Tensor& values,
           const std::atomic<bool>* stop, torch::Tensor* dual) {
  const auto apply = [&](const torch::Tensor& x) {
    return drugs.kernel.mm(x).mm(targets.kernel).mul_(measured).add_(x, kNoise);
  };
  torch::Tensor residual = values - apply(*dual), direction = residual.clone();
  double square = Dot(residual, residual);
  const double enough = kResidual * kResidual * Dot(values, values);
  for (int i = 0; i < kMostIterations && square > enough && !(stop != nullptr && *stop); ++i) {
    const torch::Tensor applied = apply(direction);
    const double step = square / Dot(direction, applied);
    dual->add_(direction, step);
    residual.sub_(applied, step);
    const double next = Dot(residual, residual);
    direction.mul_(next / square).add_(residual);
    square = next;
  }
}

}  // namespace

KernelFit FitKernels(const torch::Tensor& drug_similarity, const torch::Tensor& target_similarity,
                     const MeasuredPairs& pairs, const std::atomic<bool>* stop) {
  const torch::NoGradGuard no_grad;
  const int64_t drugs = drug_similarity.size(0), targets = target_similarity.size(0);
  const torch::Tensor place = pairs.drug * targets + pairs.target;
  const auto by_place = [&](const torch::Tensor& values) {
    return torch::zeros({drugs * targets}).index_add_(0, place, values).view({drugs, targets});
  };
  const torch::Tensor times = by_place(torch::ones_like(pairs.value)), measured = times.clamp_max(1);
  const torch::Tensor values = by_place(pairs.value) / times.clamp_min(1);
  const torch::Tensor drug_pairs = measured.sum(1), target_pairs = measured.sum(0);

  KernelFit fit;
  fit.mean = values.sum(torch::kFloat64).item<double>() / std::max(1.0, measured.sum(torch::kFloat64).item<double>());
  fit.drug_effect = torch::zeros({drugs});
  fit.target_effect = torch::zeros({targets});
  const torch::Tensor centred = (values - fit.mean) * measured;
  for (int i = 0; i < kEffectRounds; ++i) {
    fit.drug_effect = (centred.sum(1) - measured.mv(fit.target_effect)) / (drug_pairs + kEffectPairs);
    fit.target_effect = (centred.sum(0) - measured.t().mv(fit.drug_effect)) / (target_pairs + kEffectPairs);
  }
  const torch::Tensor effects = fit.mean + fit.drug_effect.unsqueeze(1) + fit.target_effect;

  Side drug_side = MakeSide(drug_similarity, drug_pairs), target_side = MakeSide(target_similarity, target_pairs);
  const torch::Tensor rest = (values - effects) * measured;
  torch::Tensor dual = torch::zeros({drugs, targets}), completed;
  for (int round = 0; round <= kCompletions; ++round) {
    Solve(drug_side, target_side, measured, rest, stop, &dual);
    completed = drug_side.kernel.mm(dual).mm(target_side.kernel);
    if (round == 0) {
      fit.dual = dual.clone();
      fit.similar = effects + completed;
    }
    if (round == kCompletions) break;
    Learn(completed, &drug_side);
    Learn(completed.t(), &target_side);
  }
  const torch::Tensor known = (drug_pairs > 0).unsqueeze(1).logical_and(target_pairs > 0);
  const torch::Tensor learned = effects + completed;
  const auto where_known = [&](const torch::Tensor& said) { return torch::where(known, said, fit.similar); };
  fit.learned = where_known(learned);
  fit.near_targets = where_known(MeanOfNearest(target_side.kernel, measured, values, learned));
  fit.near_drugs = where_known(MeanOfNearest(drug_side.kernel, measured.t(), values.t(), learned.t()).t());
  return fit;
}

}  // namespace deepbindnet
