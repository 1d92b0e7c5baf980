#include "server/rpc/unary_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/server/predict/gate.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

// A call without its connection: gRPC's part is played by the test.
class UnaryCallTest : public ::testing::Test {
 protected:
  UnaryCallTest() {
    EXPECT_THAT(executor_->Schedule([this] { gate_.Pass(); }), IsOk());
    gate_.WaitUntilReached();
  }
  ~UnaryCallTest() override {
    if (executor_ != nullptr) RunWhatWaits();
    static_cast<grpc::ServerUnaryReactor*>(call_)->OnDone();
  }

  // The call waits behind the gate.
  void Start(absl::Time deadline) {
    call_ = UnaryCall::Run(executor_.get(), deadline, [this] {
      ran_ = true;
      return absl::OkStatus();
    });
  }
  void RunWhatWaits() {
    gate_.Open();
    executor_.reset();
  }

  Gate gate_;
  std::unique_ptr<Executor> executor_ = std::make_unique<Executor>(1, 10);
  UnaryCall* call_ = nullptr;
  bool ran_ = false;
};

TEST_F(UnaryCallTest, RunsForACallerWhoWaits) {
  Start(absl::InfiniteFuture());
  EXPECT_THAT(call_->CheckWanted(), IsOk());
  RunWhatWaits();
  EXPECT_TRUE(ran_);
}

TEST_F(UnaryCallTest, CancelledCallIsNotRun) {
  Start(absl::InfiniteFuture());
  static_cast<grpc::ServerUnaryReactor*>(call_)->OnCancel();
  RunWhatWaits();
  EXPECT_FALSE(ran_);
  EXPECT_THAT(call_->CheckWanted(), IsError(absl::StatusCode::kCancelled, "CANCELLED", "cancelled the call"));
}

TEST_F(UnaryCallTest, ExpiredCallIsNotRun) {
  Start(absl::InfinitePast());
  RunWhatWaits();
  EXPECT_FALSE(ran_);
  EXPECT_THAT(call_->CheckWanted(),
              IsError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", "before the call was handled"));
}

TEST_F(UnaryCallTest, LetsGoOfWhatItHoldsWhenItEnds) {
  const auto held = std::make_shared<int>(7);
  call_ = UnaryCall::RunAsync(executor_.get(), absl::InfiniteFuture(), held,
                              [](UnaryCall* /*call*/) { return absl::OkStatus(); });
  RunWhatWaits();
  EXPECT_EQ(held.use_count(), 2);
  call_->Complete(absl::OkStatus());
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace deepbindnet
