// Regression with a product kernel: what the measured pairs say of all pairs of their drugs and targets, without a
// network. It is the mean of a Gaussian process whose covariance of two pairs is the similarity of their drugs times
// that of their targets (Pahikkala et al., "Toward more realistic drug-target interaction predictions", 2015), on top
// of a main effect of each drug and target. What it has completed tells how alike drugs (targets) are in what they
// bind, which is mixed into the similarities for the next, better completion. Beside it stand plain means of the values
// measured nearest to a pair (Nadaraya, "On estimating regression", 1964): a linear fit smooths over what a few close
// relatives agree on.
#ifndef DEEPBINDNET_CORE_PRIOR_KERNEL_REGRESSION_H_
#define DEEPBINDNET_CORE_PRIOR_KERNEL_REGRESSION_H_

#include <torch/torch.h>

#include <atomic>

namespace deepbindnet {

// Measured pairs; one may stand more than once.
struct MeasuredPairs {
  torch::Tensor drug, target;  // [pairs] int64
  torch::Tensor value;         // [pairs] float, z-scored
};

// All tensors are float32 on the CPU.
struct KernelFit {
  double mean = 0;
  torch::Tensor drug_effect, target_effect;  // [drugs], [targets]; 0 where nothing was measured
  torch::Tensor dual;                        // [drugs, targets], what similarities are multiplied with from both sides
  torch::Tensor similar;                     // [drugs, targets], predictions of the similarities alone
  // [drugs, targets], predictions of the last completion; `similar` for a drug or target without a measured pair, of
  // which no completion knows what it binds.
  torch::Tensor learned;
  // [drugs, targets], weighted means of what was measured of the drug and other targets, and of the target and other
  // drugs, which count the more, the more alike the last completion finds them; `similar` where `learned` is.
  torch::Tensor near_targets, near_drugs;
};

// Solved by conjugate gradients, to a hundredth of the residual. Shapes: drug_similarity [drugs, drugs],
// target_similarity [targets, targets], symmetric, positive semidefinite, with ones on the diagonal. Of pairs measured
// more than once the mean counts. Once `stop` is true, where it is given, the fit ends soon and says nothing useful.
KernelFit FitKernels(const torch::Tensor& drug_similarity, const torch::Tensor& target_similarity,
                     const MeasuredPairs& pairs, const std::atomic<bool>* stop = nullptr);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_PRIOR_KERNEL_REGRESSION_H_
