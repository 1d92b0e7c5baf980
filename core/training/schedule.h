// The learning rate over a run.
#ifndef DEEPBINDNET_CORE_TRAINING_SCHEDULE_H_
#define DEEPBINDNET_CORE_TRAINING_SCHEDULE_H_

namespace deepbindnet {

// Share of the peak learning rate at `progress` in [0, 1] of the run: linear warm-up over `warmup_fraction`, then half
// a cosine down to kFinalShare. Stepped once per optimiser step.
inline constexpr double kFinalShare = 0.01;
double WarmupCosine(double progress, double warmup_fraction);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_TRAINING_SCHEDULE_H_
