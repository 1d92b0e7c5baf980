// What LibTorch computes with in this process.
#ifndef DEEPBINDNET_SERVER_PREDICT_COMPUTE_THREADS_H_
#define DEEPBINDNET_SERVER_PREDICT_COMPUTE_THREADS_H_

#include <string>
#include <vector>

namespace deepbindnet {

// Threads that one computation may use, >= 1, in every thread of this process that has not computed yet.
void SetComputeThreads(int threads);

// For people: "cpu (2 threads)", "cuda:0".
std::vector<std::string> DescribeDevices();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_PREDICT_COMPUTE_THREADS_H_
