#include "core/training/rank_place.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace deepbindnet {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::Status ReadInteger(const char* name, int low, int high, int* value) {
  const std::string text = Variable(name);
  if (absl::SimpleAtoi(text, value) && *value >= low && *value <= high) return absl::OkStatus();
  return InvalidField(name, text.empty() ? "(not set)" : text,
                      absl::StrCat("is not a whole number from ", low, " to ", high,
                                   "; let torchrun set it, or unset WORLD_SIZE to train with one process"));
}

}  // namespace

absl::StatusOr<RankPlace> RankPlaceFromEnvironment() {
  constexpr int kMostRanks = 65536;
  RankPlace place;
  if (Variable("WORLD_SIZE").empty()) return place;
  DBN_RETURN_IF_ERROR(ReadInteger("WORLD_SIZE", 1, kMostRanks, &place.world_size));
  if (place.world_size == 1) return place;
  DBN_RETURN_IF_ERROR(ReadInteger("RANK", 0, place.world_size - 1, &place.rank));
  if (!Variable("LOCAL_RANK").empty()) {
    DBN_RETURN_IF_ERROR(ReadInteger("LOCAL_RANK", 0, place.world_size - 1, &place.local_rank));
  }
  DBN_RETURN_IF_ERROR(ReadInteger("MASTER_PORT", 1, 65535, &place.master_port));
  place.master_addr = Variable("MASTER_ADDR");
  if (place.master_addr.empty()) {
    return InvalidField("MASTER_ADDR", "(not set)", "is no host; give the one that rank 0 runs on");
  }
  if (Variable("TORCHELASTIC_USE_AGENT_STORE") == "True") {
    place.hosts_store = false;
    place.store_prefix = absl::StrCat("/worker/attempt_", Variable("TORCHELASTIC_RESTART_COUNT"));
  }
  return place;
}

}  // namespace deepbindnet
