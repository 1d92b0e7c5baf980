#include "server/auth/roles.h"

#include "absl/strings/str_cat.h"
#include "core/base/enum_names.h"

namespace deepbindnet {
namespace {

constexpr EnumNames<v1::Role, 3> kRoleNames = {
    {{v1::VIEWER, "viewer"}, {v1::SUBMITTER, "submitter"}, {v1::ADMIN, "admin"}}};

const google::protobuf::MethodDescriptor* FindMethod(absl::string_view method) {
  return ApiService().FindMethodByName(std::string(method));
}

}  // namespace

const google::protobuf::ServiceDescriptor& ApiService() {
  static const google::protobuf::ServiceDescriptor* const service =
      v1::StartTrainingRequest::descriptor()->file()->FindServiceByName("DeepBindNet");
  return *service;
}

std::string FullMethodName(const google::protobuf::MethodDescriptor& method) {
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

v1::Role RequiredRole(absl::string_view method) {
  const google::protobuf::MethodDescriptor* const found = FindMethod(method);
  if (found == nullptr) return v1::ADMIN;
  const v1::Role role = found->options().GetExtension(v1::role);
  return role == v1::ROLE_UNSPECIFIED ? v1::ADMIN : role;
}

bool ChangesSomething(absl::string_view method) {
  const google::protobuf::MethodDescriptor* const found = FindMethod(method);
  return found == nullptr || found->options().idempotency_level() != google::protobuf::MethodOptions::NO_SIDE_EFFECTS;
}

absl::string_view RoleName(v1::Role role) { return NameOf(kRoleNames, role); }

absl::StatusOr<v1::Role> ParseRole(absl::string_view field, absl::string_view text) {
  return ParseName(kRoleNames, text, field, "is no role; give viewer, submitter or admin");
}

}  // namespace deepbindnet
