#define DBN_KERNELS baseline
#define DBN_KERNELS_NAME "baseline"
#include "core/compute/kernels.inc"
