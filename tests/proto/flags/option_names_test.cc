#include "proto/flags/option_names.h"

#include <gtest/gtest.h>

namespace deepbindnet {
namespace {

TEST(NormalizeOptionNamesTest, ChangesNamesAndLeavesValues) {
  EXPECT_EQ(NormalizeOptionNames({"train", "--hidden_dim=6_4", "--split_column", "my_fold", "-x_y", "--lr"}),
            (std::vector<std::string>{"train", "--hidden-dim=6_4", "--split-column", "my_fold", "-x_y", "--lr"}));
}

TEST(NormalizeOptionNamesTest, StopsAtALoneDoubleDash) {
  EXPECT_EQ(NormalizeOptionNames({"--c_d", "--", "--a_b"}), (std::vector<std::string>{"--c-d", "--", "--a_b"}));
}

}  // namespace
}  // namespace deepbindnet
