#include "core/training/rank_place.h"

#include <torch/torch.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/cores.h"
#include "core/model/mixed_precision.h"

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

absl::Status CheckProcessesFit(int num_processes, const std::string& device) {
  if (num_processes <= 1) return absl::OkStatus();
  DBN_ASSIGN_OR_RETURN(const torch::Device found, ParseDevice(device));
  const int most = found.is_cuda() ? static_cast<int>(torch::cuda::device_count()) : UsableCores();
  if (num_processes <= most) return absl::OkStatus();
  return InvalidField("num_processes", absl::StrCat(num_processes),
                      absl::StrCat("is more than this machine's ", most, found.is_cuda() ? " GPUs" : " cores",
                                   "; give ", most, " or less"));
}

}  // namespace deepbindnet
