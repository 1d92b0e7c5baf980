// How many threads LibTorch computes with.
#ifndef DEEPBINDNET_CORE_COMPUTE_THREADS_H_
#define DEEPBINDNET_CORE_COMPUTE_THREADS_H_

namespace deepbindnet {

// OMP_NUM_THREADS where that is a positive number, else UsableCores(): LibTorch's own default counts wrongly on virtual
// machines.
int DefaultComputeThreads();

// Lets one computation use `threads` threads, in every thread of this process that has not computed yet. 0 takes
// the default. Call it once, early in main.
void SetComputeThreads(int threads);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_COMPUTE_THREADS_H_
