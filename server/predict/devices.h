// What LibTorch can compute on.
#ifndef DEEPBINDNET_SERVER_PREDICT_DEVICES_H_
#define DEEPBINDNET_SERVER_PREDICT_DEVICES_H_

#include <string>
#include <vector>

namespace deepbindnet {

// For people: "cpu (2 threads)", "cuda:0".
std::vector<std::string> DescribeDevices();

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_PREDICT_DEVICES_H_
