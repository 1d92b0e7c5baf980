#include "server/jobs/job_id.h"

#include <random>

namespace deepbindnet {

std::string RandomJobId() {
  constexpr char kBase32[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::random_device random;
  std::string id = "job-";
  for (int i = 0; i < 12; ++i) id.push_back(kBase32[random() % 32]);
  return id;
}

}  // namespace deepbindnet
