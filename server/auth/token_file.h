// The file of tokens: who may call, in which role, and until when. It has no token, only what a token is recognised by.
//
//   # One token a line; what follows a '#' is a comment.
//   NAME ROLE SHA256 [EXPIRES]
//
// NAME is as names everywhere and stands once; ROLE is viewer, submitter or admin; SHA256 is the token's, in lower-case
// hex; EXPIRES is YYYY-MM-DD, the first day (UTC) on which the token is no longer valid.
#ifndef DEEPBINDNET_SERVER_AUTH_TOKEN_FILE_H_
#define DEEPBINDNET_SERVER_AUTH_TOKEN_FILE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"

namespace deepbindnet {

struct TokenEntry {
  std::string name;
  v1::Role role = v1::VIEWER;
  std::string sha256;                     // 64 lower-case hex digits.
  std::optional<absl::CivilDay> expires;  // UTC; the first day on which it is no longer valid.
};

bool IsExpired(const TokenEntry& entry, absl::Time now);

// In the order of the file. INVALID_ARGUMENT names `path`, line and field, and never shows what may be a token.
absl::StatusOr<std::vector<TokenEntry>> ParseTokens(absl::string_view text, absl::string_view path);

// One line without its end.
std::string FormatToken(const TokenEntry& entry);

// NOT_FOUND where there is no such file, FAILED_PRECONDITION (TOKENS_FILE_WRITABLE) where others than its owner may
// write it; else as ParseTokens().
absl::StatusOr<std::vector<TokenEntry>> ReadTokens(const std::string& path);

// Change the file, which AddToken() makes where it is missing (mode 0600). Comments, owner and mode stay, and readers
// see the old or the new file. They wait some seconds for others who change it (by a lock on "PATH.lock", which stays),
// then UNAVAILABLE. ALREADY_EXISTS: a token has that name, or is the same; NOT_FOUND: none has; else as ReadTokens().
absl::Status AddToken(const std::string& path, const TokenEntry& entry);
absl::Status RemoveToken(const std::string& path, absl::string_view name);

// INVALID_ARGUMENT names `field`.
absl::Status CheckTokenName(absl::string_view field, absl::string_view name);
absl::StatusOr<absl::CivilDay> ParseExpiry(absl::string_view field, absl::string_view text);

// A new secret of 256 random bits: "dbn_" and 43 characters of base64url.
absl::StatusOr<std::string> NewToken();

std::string HashToken(absl::string_view token);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_AUTH_TOKEN_FILE_H_
