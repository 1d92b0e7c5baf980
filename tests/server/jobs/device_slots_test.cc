#include "server/jobs/device_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

v1::JobSpec Training(uint32_t processes = 1) {
  v1::JobSpec spec;
  spec.mutable_train()->mutable_options()->set_num_processes(processes);
  return spec;
}
v1::JobSpec Preparation() {
  v1::JobSpec spec;
  spec.mutable_prepare_dataset();
  return spec;
}

TEST(DeviceSlotsTest, AreSharesOfTheCpuWithoutAGpu) {
  const DeviceSlots slots(2, 8, {});
  EXPECT_THAT(slots.Names(), ElementsAre("cpu:0", "cpu:1"));
  EXPECT_THAT(slots.Choose(Training(), {}), Optional(ElementsAre("cpu:0")));
  EXPECT_THAT(slots.Choose(Training(), {"cpu:0"}), Optional(ElementsAre("cpu:1")));
  EXPECT_EQ(slots.Choose(Training(), {"cpu:0", "cpu:1"}), std::nullopt);
  EXPECT_THAT(slots.EnvironmentOf({"cpu:1"}), ElementsAre(Pair("OMP_NUM_THREADS", "4")));
  EXPECT_THAT(slots.EnvironmentOf({"cpu:0", "cpu:1"}), ElementsAre(Pair("OMP_NUM_THREADS", "8")));
}

TEST(DeviceSlotsTest, ASingleSlotLeavesTheWorkerItsDefaults) {
  EXPECT_THAT(DeviceSlots(1, 8, {}).EnvironmentOf({"cpu:0"}), IsEmpty());
}

TEST(DeviceSlotsTest, MoreSlotsThanThreadsHaveOneEach) {
  EXPECT_THAT(DeviceSlots(4, 2, {}).EnvironmentOf({"cpu:3"}), ElementsAre(Pair("OMP_NUM_THREADS", "1")));
}

TEST(DeviceSlotsTest, WhatComputesTakesGpusAndTheRestTheCpu) {
  const DeviceSlots slots(1, 8, {"2", "GPU-5f"});
  EXPECT_THAT(slots.Names(), ElementsAre("cpu:0", "cuda:0", "cuda:1"));
  EXPECT_THAT(slots.Choose(Training(2), {}), Optional(ElementsAre("cuda:0", "cuda:1")));
  EXPECT_EQ(slots.Choose(Training(2), {"cuda:0"}), std::nullopt);
  EXPECT_THAT(slots.Choose(Training(), {"cuda:0"}), Optional(ElementsAre("cuda:1")));
  EXPECT_THAT(slots.Choose(Preparation(), {"cuda:0", "cuda:1"}), Optional(ElementsAre("cpu:0")));
  EXPECT_THAT(slots.EnvironmentOf({"cuda:0", "cuda:1"}), ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "2,GPU-5f")));
  EXPECT_THAT(slots.EnvironmentOf({"cuda:1"}), ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "GPU-5f")));
  EXPECT_THAT(slots.EnvironmentOf({"cpu:0"}), ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "")));
}

TEST(DeviceSlotsTest, AJobThatNeedsMoreThanThereAreIsRefused) {
  EXPECT_THAT(DeviceSlots(2, 8, {}).CheckFits(Training(2)), IsOk());
  EXPECT_THAT(DeviceSlots(1, 8, {}).CheckFits(Training(2)),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                      "spec.options.num_processes: 2 is more than the server's 1 CPU slot; ask for fewer, or start the "
                      "server with more --slots"));
  EXPECT_THAT(DeviceSlots(8, 8, {"0", "1"}).CheckFits(Training(3)),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "the server's 2 GPU slots; ask for fewer"));
}

}  // namespace
}  // namespace deepbindnet
