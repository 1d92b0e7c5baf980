// Which measured pairs a fit leaves out to predict them.
#ifndef DEEPBINDNET_CORE_PRIOR_HELD_OUT_H_
#define DEEPBINDNET_CORE_PRIOR_HELD_OUT_H_

#include <cstdint>
#include <vector>

#include "core/data/batch.h"
#include "core/data/split.h"

namespace deepbindnet {

// Pairs by index; the rest is in neither.
struct Fold {
  std::vector<int64_t> held_out;
  std::vector<int64_t> measured;
};

// Every pair is held out of one fold, in the company that a split of this kind holds test pairs out: kRandom and
// kColumn by pairs, kColdDrug and kScaffold with all pairs of its drug, kColdTarget of its target, kColdBoth of both.
// The same arguments give the same folds everywhere. A fold may measure nothing where there are few entities.
std::vector<Fold> MakeFolds(SplitMethod method, const std::vector<PairIndex>& pairs);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_PRIOR_HELD_OUT_H_
