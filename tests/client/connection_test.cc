#include "client/connection.h"

#include <arpa/inet.h>
#include <grpcpp/server_posix.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/client/fake_service.h"

namespace deepbindnet::client {
namespace {

// Turns the first caller away and hands the second one to a server.
class HardOfHearing {
 public:
  explicit HardOfHearing(grpc::Server* server) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 4), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this, server] {
      close(accept(listener_, nullptr, nullptr));
      const int second = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (second >= 0) grpc::AddInsecureChannelFromFd(server, second);
    });
  }
  ~HardOfHearing() {
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
  const HardOfHearing door(server.server());
  ConnectionOptions options;
  options.server = door.address();
  options.second_try = absl::InfiniteDuration();  // Until the door opens, however busy the machine.
  const auto connection = Connection::Open(options, nullptr);
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto status =
      (*connection)->Call(&v1::DeepBindNet::StubInterface::ListDatasets, v1::ListDatasetsRequest()).status();
  EXPECT_FALSE(IsConnectionLoss(status)) << status;
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
