// Ids that the client makes up: of a request that may be repeated, and of each call.
#ifndef DEEPBINDNET_CLIENT_REQUEST_ID_H_
#define DEEPBINDNET_CLIENT_REQUEST_ID_H_

#include <string>

namespace deepbindnet::client {

// A random UUID (version 4).
std::string MakeRequestId();

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_REQUEST_ID_H_
