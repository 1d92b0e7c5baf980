#define DBN_KERNELS avx2
#define DBN_KERNELS_NAME "AVX2"
#include "core/compute/kernels.inc"
