// Limits that several layers keep.
#ifndef DEEPBINDNET_CORE_BASE_LIMITS_H_
#define DEEPBINDNET_CORE_BASE_LIMITS_H_

namespace deepbindnet {

// Largest dimension of the vectors that a user supplies for proteins.
inline constexpr int kMaxProteinFeatureDim = 16384;

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_BASE_LIMITS_H_
