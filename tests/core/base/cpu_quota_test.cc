#include "core/base/cpu_quota.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <string>
#include <thread>

#include "core/base/cores.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

TEST(CoresOfQuotaTest, RoundsUp) {
  EXPECT_EQ(CoresOfQuota("200000 100000\n"), 2);
  EXPECT_EQ(CoresOfQuota("150000 100000\n"), 2);
  EXPECT_EQ(CoresOfQuota("10000 100000"), 1);
  EXPECT_EQ(CoresOfQuota("50000\n 25000\n"), 2);
}

TEST(CoresOfQuotaTest, NoLimitIsZero) {
  for (const char* text : {"max 100000\n", "-1\n 100000\n", "", "100000", "0 100000", "1 0", "a b", "1 2 3"}) {
    EXPECT_EQ(CoresOfQuota(text), 0) << text;
  }
}

TEST(CoresOfQuotaTest, AnyNumberIsRead) { EXPECT_GT(CoresOfQuota("9223372036854775807 1"), 0); }

TEST(QuotaCoresTest, Version2TakesTheTightestOfTheGroupAndThoseAbove) {
  const TempDir dir;
  dir.Write("a.slice/cpu.max", "300000 100000\n");
  dir.Write("a.slice/b.service/cpu.max", "max 100000\n");
  EXPECT_EQ(QuotaCores("0::/a.slice/b.service\n", dir.path()), 3);
  dir.Write("a.slice/b.service/cpu.max", "200000 100000\n");
  EXPECT_EQ(QuotaCores("0::/a.slice/b.service\n", dir.path()), 2);
  EXPECT_EQ(QuotaCores("0::/a.slice\n", dir.path()), 3);
}

TEST(QuotaCoresTest, WithinAContainerTheRootIsTheGroup) {
  const TempDir dir;
  dir.Write("cpu.max", "400000 100000\n");
  EXPECT_EQ(QuotaCores("0::/\n", dir.path()), 4);
  EXPECT_EQ(QuotaCores("0::/../not/mounted\n", dir.path()), 4);
}

TEST(QuotaCoresTest, Version1HasTwoFilesOfTheCpuController) {
  const TempDir dir;
  dir.Write("cpu/docker/cpu.cfs_quota_us", "250000\n");
  dir.Write("cpu/docker/cpu.cfs_period_us", "100000\n");
  dir.Write("cpu/cpu.cfs_quota_us", "-1\n");
  dir.Write("cpu/cpu.cfs_period_us", "100000\n");
  const std::string memberships = "9:name=systemd:/\n4:cpu,cpuacct:/docker\n3:cpuset:/\n0::/\n";
  EXPECT_EQ(QuotaCores(memberships, dir.path()), 3);
  EXPECT_EQ(QuotaCores("4:cpu,cpuacct:/\n", dir.path()), 0);
}

TEST(QuotaCoresTest, NothingKnownLimitsNothing) {
  const TempDir dir;
  EXPECT_EQ(QuotaCores("", dir.path()), 0);
  EXPECT_EQ(QuotaCores("0::/x\nnonsense\n", dir.path()), 0);
}

TEST(UsableCoresTest, IsOneForAThreadThatMayUseOneCore) {
  EXPECT_GE(UsableCores(), 1);
  int cores = 0;
  std::thread([&cores] {
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
    int first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    cores = UsableCores();
  }).join();
  EXPECT_EQ(cores, 1);
}

}  // namespace
}  // namespace deepbindnet
