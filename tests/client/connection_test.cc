#include "client/connection.h"

#include <arpa/inet.h>
#include <grpcpp/server_posix.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/client/fake_service.h"

namespace deepbindnet::client {
namespace {

// Turns the first `refused` callers away and hands the next one to a server once `delay` has passed.
class Door {
 public:
  Door(grpc::Server* server, int refused, absl::Duration delay)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 4), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([=] {
      for (int i = 0; i < refused; ++i) close(accept(listener_, nullptr, nullptr));
      const int caller = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      absl::SleepFor(delay);  // A slow network.
      if (caller >= 0) grpc::AddInsecureChannelFromFd(server, caller);
    });
  }
  ~Door() {
    shutdown(listener_, SHUT_RDWR);  // Ends a wait for a caller who never came.
    thread_.join();
    close(listener_);
  }
  const std::string& address() const { return address_; }

 private:
  const int listener_;
  std::string address_;
  std::thread thread_;
};

TEST(ConnectionTest, OneFailureToConnectIsTriedAgain) {
  FakeService service;
  FakeServer server(&service);
  const Door door(server.server(), /*refused=*/1, absl::ZeroDuration());
  ConnectionOptions options;
  options.server = door.address();
  options.second_try = absl::InfiniteDuration();  // Until the door opens, however busy the machine.
  const auto connection = Connection::Open(options, nullptr);
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto status =
      (*connection)->Call(&v1::DeepBindNet::StubInterface::ListDatasets, v1::ListDatasetsRequest()).status();
  EXPECT_FALSE(IsConnectionLoss(status)) << status;
}

TEST(ConnectionTest, ASlowNetworkIsNoFailure) {
  FakeService service;
  FakeServer server(&service);
  const Door door(server.server(), /*refused=*/0, absl::Milliseconds(400));
  ConnectionOptions options;
  options.server = door.address();
  const auto connection = Connection::Open(options, nullptr);
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto status =
      (*connection)->Call(&v1::DeepBindNet::StubInterface::ListDatasets, v1::ListDatasetsRequest()).status();
  EXPECT_FALSE(IsConnectionLoss(status)) << status;
}

TEST(ConnectionTest, ANameThatOnlyLooksLikeLoopbackGetsNoTokenInTheClear) {
  ConnectionOptions options;
  options.token_file = "token";
  for (const std::string server : {"127.example.com:1", "127.0.0.1.example.com:1", "[::1].example.com:1"}) {
    options.server = server;
    EXPECT_EQ(GetExitCode(Connection::Open(options, nullptr).status()), ExitCode::kUsage);
    EXPECT_NE(Connection::Open(options, nullptr).status().message().find("in the clear to " + server),
              absl::string_view::npos);
  }
}

TEST(ConnectionTest, AServerThatIsNotThereIsSoonGivenUp) {
  ConnectionOptions options;
  options.server = "127.0.0.1:1";
  const auto connection = Connection::Open(options, nullptr);
  ASSERT_TRUE(connection.ok());
  const auto status =
      (*connection)->Call(&v1::DeepBindNet::StubInterface::ListDatasets, v1::ListDatasetsRequest()).status();
  EXPECT_EQ(GetExitCode(status), ExitCode::kUnreachable);
}

}  // namespace
}  // namespace deepbindnet::client
