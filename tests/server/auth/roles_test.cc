#include "server/auth/roles.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

TEST(RolesTest, EveryMethodSaysWhoMayCallIt) {
  const auto* const service = v1::StartTrainingRequest::descriptor()->file()->FindServiceByName("DeepBindNet");
  ASSERT_GT(service->method_count(), 0);
  for (int i = 0; i < service->method_count(); ++i) {
    EXPECT_NE(service->method(i)->options().GetExtension(v1::role), v1::ROLE_UNSPECIFIED) << service->method(i)->name();
    EXPECT_EQ(RequiredRole(service->method(i)->name()), service->method(i)->options().GetExtension(v1::role));
  }
}

TEST(RolesTest, ReadsRolesFromTheDefinition) {
  EXPECT_EQ(RequiredRole("Predict"), v1::VIEWER);
  EXPECT_EQ(RequiredRole("CancelJob"), v1::SUBMITTER);
  EXPECT_EQ(RequiredRole("SetLogLevel"), v1::ADMIN);
}

TEST(RolesTest, AViewerMayCallWhatChangesNothing) {
  const auto* const service = v1::StartTrainingRequest::descriptor()->file()->FindServiceByName("DeepBindNet");
  for (int i = 0; i < service->method_count(); ++i) {
    const std::string& name = service->method(i)->name();
    EXPECT_EQ(ChangesSomething(name), RequiredRole(name) != v1::VIEWER) << name;
  }
}

TEST(RolesTest, AnUnknownMethodIsForAdminsAndChangesSomething) {
  for (const char* name : {"", "Unknown", "/deepbindnet.v1.DeepBindNet/GetStatus"}) {
    EXPECT_EQ(RequiredRole(name), v1::ADMIN) << name;
    EXPECT_TRUE(ChangesSomething(name)) << name;
  }
}

TEST(RolesTest, NamesGoBothWays) {
  for (const v1::Role role : {v1::VIEWER, v1::SUBMITTER, v1::ADMIN}) {
    ASSERT_OK_AND_ASSIGN(const v1::Role parsed, ParseRole("--role", RoleName(role)));
    EXPECT_EQ(parsed, role);
  }
  EXPECT_EQ(RoleName(v1::SUBMITTER), "submitter");
}

TEST(RolesTest, AnUnknownNameIsInvalid) {
  for (const char* name : {"", "Admin", "root", "unknown"}) {
    EXPECT_THAT(ParseRole("--role", name),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "give viewer, submitter or admin"));
  }
}

}  // namespace
}  // namespace deepbindnet
