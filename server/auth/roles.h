// What the API's definition says of each method: who may call it, and whether it changes something.
#ifndef DEEPBINDNET_SERVER_AUTH_ROLES_H_
#define DEEPBINDNET_SERVER_AUTH_ROLES_H_

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"

namespace deepbindnet {

// The service DeepBindNet as its definition describes it.
const google::protobuf::ServiceDescriptor& ApiService();

// "/deepbindnet.v1.DeepBindNet/CancelJob", as gRPC names a method.
std::string FullMethodName(const google::protobuf::MethodDescriptor& method);

// The lowest role that may call a method of the service DeepBindNet, for example "CancelJob". ADMIN for a method that
// is unknown or does not say.
v1::Role RequiredRole(absl::string_view method);

// Whether a call may change something: everything that is not declared NO_SIDE_EFFECTS, and unknown methods.
bool ChangesSomething(absl::string_view method);

// "viewer", "submitter" or "admin".
absl::string_view RoleName(v1::Role role);

// INVALID_ARGUMENT names `field` and the roles there are.
absl::StatusOr<v1::Role> ParseRole(absl::string_view field, absl::string_view text);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_AUTH_ROLES_H_
