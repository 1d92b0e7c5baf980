#include "server/jobs/job_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

// Written out a second time, so that a change of the table is a decision.
const std::map<v1::JobState, std::set<v1::JobState>>& LegalTransitions() {
  static const auto* const legal = new std::map<v1::JobState, std::set<v1::JobState>>{
      {v1::JOB_STATE_UNSPECIFIED, {v1::QUEUED}},
      {v1::QUEUED, {v1::RUNNING, v1::CANCELLED, v1::PAUSED}},
      {v1::RUNNING, {v1::SUCCEEDED, v1::FAILED, v1::CANCELLING, v1::QUEUED, v1::PAUSING, v1::PAUSED}},
      {v1::PAUSING, {v1::PAUSED, v1::SUCCEEDED, v1::FAILED, v1::CANCELLING}},
      {v1::CANCELLING, {v1::CANCELLED}},
      {v1::SUCCEEDED, {}},
      {v1::FAILED, {}},
      {v1::CANCELLED, {}},
      {v1::PAUSED, {v1::QUEUED, v1::CANCELLED}},
  };
  return *legal;
}

TEST(JobStateTest, EveryTransitionIsAsTheTableSays) {
  ASSERT_EQ(LegalTransitions().size(), v1::JobState_ARRAYSIZE);
  for (const auto& [from, targets] : LegalTransitions()) {
    for (int i = v1::JobState_MIN; i <= v1::JobState_MAX; ++i) {
      const auto to = static_cast<v1::JobState>(i);
      SCOPED_TRACE(v1::JobState_Name(from) + " -> " + v1::JobState_Name(to));
      v1::Job job;
      job.set_id("job-a");
      job.set_state(from);
      const auto event = TransitionState(&job, to, "because", kNow);
      EXPECT_EQ(event.ok(), targets.count(to) == 1);
      EXPECT_EQ(IsLegalTransition(from, to), event.ok());
      EXPECT_EQ(job.state(), event.ok() ? to : from);
    }
  }
}

// "    A --> B: why" of the diagram's lines; "[*]" is where a job comes from.
TEST(JobStateTest, TheOperatorsGuideDrawsTheTable) {
  ASSERT_OK_AND_ASSIGN(const std::string guide, ReadFile(DEEPBINDNET_DOCS "/operations.md"));
  std::map<v1::JobState, std::set<v1::JobState>> drawn;
  for (const absl::string_view line : absl::StrSplit(guide, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" :"), absl::SkipWhitespace());
    if (words.size() < 3 || words[1] != "-->") continue;
    v1::JobState from = v1::JOB_STATE_UNSPECIFIED;
    v1::JobState to = v1::JOB_STATE_UNSPECIFIED;
    ASSERT_TRUE(words[0] == "[*]" || v1::JobState_Parse(std::string(words[0]), &from)) << line;
    if (words[2] == "[*]") {
      drawn[from];
      continue;
    }
    ASSERT_TRUE(v1::JobState_Parse(std::string(words[2]), &to)) << line;
    drawn[from].insert(to);
  }
  EXPECT_EQ(drawn, LegalTransitions());
}

TEST(JobStateTest, EndedStatesAreThoseWithoutAWayOut) {
  for (const auto& [from, targets] : LegalTransitions()) EXPECT_EQ(HasEnded(from), targets.empty());
}

TEST(TransitionStateTest, AnswersWithTheEventForTheJournal) {
  v1::Job job;
  job.set_state(v1::QUEUED);
  ASSERT_OK_AND_ASSIGN(const v1::JobEvent event, TransitionState(&job, v1::RUNNING, "because", kNow));
  EXPECT_EQ(event.time().seconds(), 1000);
  EXPECT_EQ(event.state_change().from(), v1::QUEUED);
  EXPECT_EQ(event.state_change().to(), v1::RUNNING);
  EXPECT_EQ(event.state_change().why(), "because");
}

TEST(TransitionStateTest, NotesStartAndEnd) {
  v1::Job job;
  ASSERT_THAT(TransitionState(&job, v1::QUEUED, "", kNow), IsOk());
  EXPECT_FALSE(job.has_start_time());
  ASSERT_THAT(TransitionState(&job, v1::RUNNING, "", kNow + absl::Seconds(1)), IsOk());
  EXPECT_FALSE(job.has_end_time());
  ASSERT_THAT(TransitionState(&job, v1::SUCCEEDED, "", kNow + absl::Seconds(5)), IsOk());
  EXPECT_EQ(job.start_time().seconds(), 1001);
  EXPECT_EQ(job.end_time().seconds(), 1005);
}

TEST(TransitionStateTest, AnIllegalOneNamesBothStatesAndChangesNothing) {
  v1::Job job;
  job.set_id("job-a");
  job.set_state(v1::SUCCEEDED);
  const std::string before = job.SerializeAsString();
  EXPECT_THAT(TransitionState(&job, v1::RUNNING, "", kNow),
              IsError(absl::StatusCode::kFailedPrecondition, "ILLEGAL_TRANSITION",
                      "job job-a is SUCCEEDED and cannot become RUNNING"));
  EXPECT_EQ(job.SerializeAsString(), before);
}

}  // namespace
}  // namespace deepbindnet
