#include "server/auth/authenticator.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/auth/roles.h"
#include "server/logging/logging.h"

namespace deepbindnet {
namespace {

constexpr absl::string_view kScheme = "Bearer";

absl::Status BadToken(absl::string_view message) {
  return WithReason(absl::UnauthenticatedError(message), "BAD_TOKEN");
}

// Empty where `authorization` is not "Bearer TOKEN".
absl::string_view TokenOf(absl::string_view authorization) {
  const size_t space = authorization.find(' ');
  if (space == absl::string_view::npos) return "";
  if (!absl::EqualsIgnoreCase(authorization.substr(0, space), kScheme)) return "";
  return absl::StripAsciiWhitespace(authorization.substr(space));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Create(std::string tokens_file, Now now) {
  std::unique_ptr<Authenticator> authenticator(new Authenticator(std::move(tokens_file), std::move(now)));
  DBN_RETURN_IF_ERROR(authenticator->Reload());
  return authenticator;
}

absl::Status Authenticator::Reload() {
  if (!wants_tokens()) return absl::OkStatus();
  DBN_ASSIGN_OR_RETURN(std::vector<TokenEntry> entries, ReadTokens(tokens_file_));
  if (entries.empty()) {
    Log(LogLevel::kWarning, "the file of tokens has none: every call will be refused", {{"file", tokens_file_}});
  }
  auto tokens = std::make_shared<Tokens>();
  for (TokenEntry& entry : entries) {
    std::string sha256 = entry.sha256;
    tokens->emplace(std::move(sha256), std::move(entry));
  }
  MutexLock lock(&mutex_);
  tokens_ = std::move(tokens);
  return absl::OkStatus();
}

absl::StatusOr<Caller> Authenticator::Identify(absl::string_view authorization) const {
  if (!wants_tokens()) return Caller{"", v1::ADMIN};
  if (authorization.empty()) {
    return WithReason(absl::UnauthenticatedError(
                          "this server wants a token; send it in the metadata as 'authorization: Bearer TOKEN'"),
                      "NO_TOKEN");
  }
  const absl::string_view token = TokenOf(authorization);
  if (token.empty()) return BadToken("the metadata 'authorization' is not 'Bearer TOKEN'");
  std::shared_ptr<const Tokens> tokens;
  {
    MutexLock lock(&mutex_);
    tokens = tokens_;
  }
  // How long the search takes may tell something about the hash, but nobody can choose a token by its hash.
  const auto found = tokens->find(HashToken(token));
  if (found == tokens->end()) return BadToken("this server does not know the token; ask its operator for one");
  const TokenEntry& entry = found->second;
  if (IsExpired(entry, now_())) {
    return BadToken(absl::StrCat("the token of ", entry.name, " expired on ", absl::FormatCivilTime(*entry.expires),
                                 " (UTC); ask the server's operator for a new one"));
  }
  return Caller{entry.name, entry.role};
}

absl::Status CheckRole(const Caller& caller, absl::string_view method) {
  const v1::Role required = RequiredRole(method);
  if (caller.role >= required) return absl::OkStatus();
  return WithReason(absl::PermissionDeniedError(absl::StrCat(method, " needs the role ", RoleName(required), ", and ",
                                                             caller.name, " has the role ", RoleName(caller.role),
                                                             "; ask the server's operator for a token of that role")),
                    "ROLE_TOO_LOW",
                    {{"role", std::string(RoleName(caller.role))},
                     {"required_role", std::string(RoleName(required))},
                     {"method", std::string(method)}});
}

absl::Status CheckOwner(const Caller& caller, absl::string_view owner, absl::string_view what) {
  if (caller.role == v1::ADMIN || (!owner.empty() && owner == caller.name)) return absl::OkStatus();
  const std::string message = owner.empty()
                                  ? absl::StrCat(what, " was made without a token; ask an admin to change it")
                                  : absl::StrCat(what, " is ", owner, "'s; ask them or an admin to change it");
  return WithReason(absl::PermissionDeniedError(message), "NOT_YOURS", {{"owner", std::string(owner)}});
}

}  // namespace deepbindnet
