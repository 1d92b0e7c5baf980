#define DBN_KERNELS avx512
#define DBN_KERNELS_NAME "AVX-512"
#include "core/compute/kernels.inc"
