#include "server/jobs/job_id.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace deepbindnet {
namespace {

TEST(RandomJobIdTest, IsSixtyBitsOfBase32) {
  std::set<std::string> ids;
  const std::regex pattern("job-[a-z2-7]{12}");
  for (int i = 0; i < 1000; ++i) {
    const std::string id = RandomJobId();
    EXPECT_TRUE(std::regex_match(id, pattern)) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000);
}

}  // namespace
}  // namespace deepbindnet
