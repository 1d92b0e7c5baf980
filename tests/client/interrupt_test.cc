#include "client/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace deepbindnet::client {
namespace {

TEST(InterruptTest, ASignalIsCaughtOnce) {
  Interrupt interrupt;
  EXPECT_FALSE(interrupt.raised());
  raise(SIGINT);
  EXPECT_TRUE(interrupt.WaitFor(absl::Hours(1)));
}

TEST(EndBySignalTest, ASignalEndsTheProcessWhileAQuestionIsOpen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Interrupt interrupt;
        const EndBySignal end_by_signal(&interrupt);
        raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(EndBySignalTest, LaterSignalsAreCaughtAgain) {
  Interrupt interrupt;
  { const EndBySignal end_by_signal(&interrupt); }
  raise(SIGTERM);
  EXPECT_TRUE(interrupt.WaitFor(absl::Hours(1)));
}

TEST(EndBySignalTest, NothingIsCaughtWithoutAnInterrupt) { const EndBySignal end_by_signal(nullptr); }

}  // namespace
}  // namespace deepbindnet::client
