// What the training pairs of similar molecules and proteins say of a pair: an input of the network, and where its
// answer begins.
#ifndef DEEPBINDNET_CORE_PRIOR_SIMILARITY_PRIOR_H_
#define DEEPBINDNET_CORE_PRIOR_SIMILARITY_PRIOR_H_

#include <torch/torch.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "core/chem/molecular_graph.h"
#include "core/compute/torch_util.h"
#include "core/data/batch.h"
#include "core/data/split.h"
#include "core/prior/similarity.h"

namespace deepbindnet {

// What it says of a pair, z-scored: what the similarities alone predict, how much what was learned of its drug and
// target adds to that, and how far the means of its drug's nearest targets and of its target's nearest drugs are from
// both together. All but the first are 0 where drug or target is none of the known.
inline constexpr int64_t kPriorChannels = 4;
inline constexpr int64_t kPriorSummands = 2;  // The first channels, whose sum is the regression's answer.

// Multiply-adds in one step of FitKernels(), which takes some hundred of them, that a fit may cost by default: on one
// core a tenth of a second, for KIBA a third of it.
inline constexpr int64_t kMostWork = int64_t{4} * 1000 * 1000 * 1000;

// A fit of FitKernels() with the molecules and proteins it is of, its known ones: those of the training pairs, or,
// where these are too many, the ones with most pairs. Constant after it was made.
class SimilarityPrior {
 public:
  using Molecules = std::vector<const MolecularGraph*>;
  using Proteins = std::vector<const std::vector<uint8_t>*>;

  struct Fitted;

  // Fits what all `pairs` say, whose indices are those of the lists and whose z-scored values are `z` [pairs]; one that
  // is not finite counts for nothing. The folds of MakeFolds() are fitted beside, by as many threads as LibTorch has;
  // more threads change no more than rounding. `most_work` bounds drugs * targets * (drugs + targets) of the known
  // ones. Once `stop` is true, where it is given, the fit ends soon and says nothing useful.
  static Fitted Fit(const Molecules& molecules, const Proteins& proteins, const std::vector<PairIndex>& pairs,
                    const std::vector<float>& z, SplitMethod split, int64_t most_work = kMostWork,
                    const std::atomic<bool>* stop = nullptr);

  // Shape: -> [pairs, kPriorChannels] float32 on the CPU, in the order of `pairs`; what no pair names may be null. An
  // answer depends on its own pair alone, up to rounding. Safe to call from several threads at once.
  torch::Tensor Predict(const Molecules& molecules, const Proteins& proteins,
                        const std::vector<PairIndex>& pairs) const;

  int64_t known_molecules() const { return molecules_.size(); }
  int64_t known_proteins() const { return proteins_.size(); }

  // docs/formats/checkpoint.md. INVALID_ARGUMENT naming the entry where one is missing, has another shape or a value
  // that is out of range.
  TensorDict Encode() const;
  static absl::StatusOr<SimilarityPrior> Decode(const TensorDict& dict);

 private:
  SimilarityPrior(SimilarityIndex molecules, SimilarityIndex proteins)
      : molecules_(std::move(molecules)), proteins_(std::move(proteins)) {}

  SimilarityIndex molecules_, proteins_;  // The known ones.
  // As KernelFit's.
  double mean_ = 0;
  torch::Tensor drug_effect_, target_effect_, dual_;
  torch::Tensor of_known_;  // [kPriorChannels - 1, molecules, proteins]: all channels but the first.
};

struct SimilarityPrior::Fitted {
  SimilarityPrior prior;
  torch::Tensor held_out;  // [pairs, kPriorChannels], what fits without the pair say of each
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_PRIOR_SIMILARITY_PRIOR_H_
