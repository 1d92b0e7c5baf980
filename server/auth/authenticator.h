// Tells who calls, and whether they may.
#ifndef DEEPBINDNET_SERVER_AUTH_AUTHENTICATOR_H_
#define DEEPBINDNET_SERVER_AUTH_AUTHENTICATOR_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "deepbindnet/v1/deepbindnet.pb.h"
#include "server/auth/token_file.h"

namespace deepbindnet {

struct Caller {
  std::string name;  // Of the token; empty where the server has none.
  v1::Role role = v1::ROLE_UNSPECIFIED;
};

// Thread-safe.
class Authenticator {
 public:
  using Now = std::function<absl::Time()>;

  // Without `tokens_file` every caller is an admin without a name. Errors as ReadTokens(). `now` must be thread-safe.
  static absl::StatusOr<std::unique_ptr<Authenticator>> Create(std::string tokens_file, Now now = absl::Now);

  bool wants_tokens() const { return !tokens_file_.empty(); }

  // Reads the file again, for calls from now on. On an error (as ReadTokens()) the tokens stay as they were. Blocks on
  // the file system.
  absl::Status Reload();

  // Who sends this value of the metadata "authorization"; empty where there is none. UNAUTHENTICATED (NO_TOKEN,
  // BAD_TOKEN); no message has what was sent. Does not block.
  absl::StatusOr<Caller> Identify(absl::string_view authorization) const;

 private:
  using Tokens = absl::flat_hash_map<std::string, TokenEntry>;  // By SHA-256.

  Authenticator(std::string tokens_file, Now now) : tokens_file_(std::move(tokens_file)), now_(std::move(now)) {}

  // Constant after construction.
  const std::string tokens_file_;
  const Now now_;

  mutable Mutex mutex_;
  std::shared_ptr<const Tokens> tokens_ ABSL_GUARDED_BY(mutex_);
};

// PERMISSION_DENIED (ROLE_TOO_LOW, metadata "role", "required_role" and "method") where the caller's role is below the
// one that `method`, a bare name such as "CancelJob", asks for.
absl::Status CheckRole(const Caller& caller, absl::string_view method);

// OK for an admin and for the one who made it. PERMISSION_DENIED (NOT_YOURS, metadata "owner") names `what`, for
// example "job 42". An empty `owner` is nobody's.
absl::Status CheckOwner(const Caller& caller, absl::string_view owner, absl::string_view what);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_SERVER_AUTH_AUTHENTICATOR_H_
