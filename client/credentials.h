// What the client shows a server and asks of it: certificates and a token, from files.
#ifndef DEEPBINDNET_CLIENT_CREDENTIALS_H_
#define DEEPBINDNET_CLIENT_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/connection.h"

namespace deepbindnet::client {

// --tls, or an option that implies it.
bool UsesTls(const ConnectionOptions& options);

// For a channel. A usage error names the option whose file cannot be used, and says why.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const ConnectionOptions& options);

// The value of "authorization"; empty without a token file. A usage error where the file's first line is no token.
absl::StatusOr<std::string> ReadAuthorization(const ConnectionOptions& options);

// True where every user of this machine may read the file.
bool OthersMayRead(const std::string& path);

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_CREDENTIALS_H_
