// The learning rate over a run.
#ifndef DEEPBINDNET_CORE_TRAINING_SCHEDULE_H_
#define DEEPBINDNET_CORE_TRAINING_SCHEDULE_H_

#include <vector>

namespace deepbindnet {

// Share of the peak learning rate at `progress` in [0, 1] of the run: linear warm-up over `warmup_fraction`, then half
// a cosine down to kFinalShare. Stepped once per optimiser step.
inline constexpr double kFinalShare = 0.01;
double WarmupCosine(double progress, double warmup_fraction);

// Shares of the peak learning rate for the members of a model, of which the first has a similarity prior if the model
// has. That is as WarmupCosine() in the first kPriorPart of a run of several members, and rests from then on: it has
// little to learn beyond its prior, and overfits by the time that the others have learned all they can.
inline constexpr double kPriorPart = 0.25;
std::vector<double> MemberRates(double progress, double warmup_fraction, int members, bool similarity_prior);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_SCHEDULE_H_
